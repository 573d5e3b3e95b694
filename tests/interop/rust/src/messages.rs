//! The echo schema, written out by hand so that the build needs no protoc. In MessagePack
//! it is the crates' own example's: fields have the same order, variants the same names.

use protosocket_rpc::{Message, ProtosocketControlCode as Code};
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
pub struct Request {
    #[prost(uint64, tag = "1")]
    pub request_id: u64,
    #[prost(uint32, tag = "2")]
    pub code: u32,
    #[prost(message, optional, tag = "3")]
    pub body: Option<EchoRequest>,
    #[prost(enumeration = "ResponseBehavior", tag = "4")]
    #[serde(with = "behavior")]
    pub response_behavior: i32,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration, Serialize, Deserialize,
)]
#[repr(i32)]
pub enum ResponseBehavior {
    Unary = 0,
    Stream = 1,
}

/// What is a number to prost is the enum to serde.
mod behavior {
    use super::{Deserialize, ResponseBehavior, Serialize};

    pub fn serialize<S: serde::Serializer>(value: &i32, out: S) -> Result<S::Ok, S::Error> {
        let known = ResponseBehavior::try_from(*value).map_err(serde::ser::Error::custom)?;
        known.serialize(out)
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(input: D) -> Result<i32, D::Error> {
        Ok(ResponseBehavior::deserialize(input)? as i32)
    }
}

#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
pub struct EchoRequest {
    #[prost(string, tag = "1")]
    pub message: String,
    #[prost(uint64, tag = "2")]
    pub nanotime: u64,
}

#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
pub struct Response {
    #[prost(uint64, tag = "1")]
    pub request_id: u64,
    #[prost(uint32, tag = "2")]
    pub code: u32,
    #[prost(oneof = "Kind", tags = "3, 4")]
    pub kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof, Serialize, Deserialize)]
pub enum Kind {
    #[prost(message, tag = "3")]
    Echo(EchoResponse),
    #[prost(message, tag = "4")]
    Stream(EchoStream),
}

#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
pub struct EchoResponse {
    #[prost(string, tag = "1")]
    pub message: String,
    #[prost(uint64, tag = "2")]
    pub nanotime: u64,
}

#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
pub struct EchoStream {
    #[prost(string, tag = "1")]
    pub message: String,
    #[prost(uint64, tag = "2")]
    pub nanotime: u64,
    #[prost(uint64, tag = "3")]
    pub sequence: u64,
}

impl Request {
    pub fn unary(request_id: u64, message: impl Into<String>, nanotime: u64) -> Self {
        let message = message.into();
        Self {
            request_id,
            body: Some(EchoRequest { message, nanotime }),
            ..Self::default()
        }
    }

    pub fn streaming(request_id: u64, message: impl Into<String>, nanotime: u64) -> Self {
        Self {
            response_behavior: ResponseBehavior::Stream as i32,
            ..Self::unary(request_id, message, nanotime)
        }
    }
}

impl Response {
    pub fn echo(request_id: u64, message: String, nanotime: u64) -> Self {
        Self {
            request_id,
            kind: Some(Kind::Echo(EchoResponse { message, nanotime })),
            ..Self::default()
        }
    }

    pub fn item(request_id: u64, message: String, nanotime: u64, sequence: u64) -> Self {
        let item = EchoStream {
            message,
            nanotime,
            sequence,
        };
        Self {
            request_id,
            kind: Some(Kind::Stream(item)),
            ..Self::default()
        }
    }
}

/// Both messages carry id and code alike. A default one has code 0, which is Normal.
macro_rules! control {
    ($type:ty) => {
        impl Message for $type {
            fn message_id(&self) -> u64 {
                self.request_id
            }

            fn control_code(&self) -> Code {
                u8::try_from(self.code).map_or(Code::Cancel, Code::from_u8)
            }

            fn set_message_id(&mut self, message_id: u64) {
                self.request_id = message_id;
            }

            fn cancelled(message_id: u64) -> Self {
                Self {
                    request_id: message_id,
                    code: Code::Cancel as u32,
                    ..Self::default()
                }
            }

            fn ended(message_id: u64) -> Self {
                Self {
                    request_id: message_id,
                    code: Code::End as u32,
                    ..Self::default()
                }
            }
        }
    };
}

control!(Request);
control!(Response);
