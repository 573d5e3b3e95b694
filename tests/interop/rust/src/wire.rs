//! How the messages look on the wire: one codec of the crates, or another.

use std::fmt::Debug;

use protosocket::Decoder;
use protosocket_messagepack::{MessagePackDecoder, MessagePackSerializer};
use protosocket_prost::{ProstDecoder, ProstSerializer};
use serde::{de::DeserializeOwned, Serialize};

use crate::messages::{Request, Response};

pub trait Wire: Send + Unpin + 'static {
    type Out<M: Payload>: protosocket::Serialize<Message = M> + Default + Send + Unpin + 'static;
    type In<M: Payload>: Decoder<Message = M> + Default + Send + Unpin + 'static;
}

/// What every codec here asks of a message.
pub trait Payload:
    prost::Message + Serialize + DeserializeOwned + Debug + Default + Unpin + 'static
{
}

impl Payload for Request {}
impl Payload for Response {}

pub struct Protobuf;

impl Wire for Protobuf {
    type Out<M: Payload> = ProstSerializer<M>;
    type In<M: Payload> = ProstDecoder<M>;
}

pub struct MessagePack;

impl Wire for MessagePack {
    type Out<M: Payload> = MessagePackSerializer<M>;
    type In<M: Payload> = MessagePackDecoder<M>;
}
