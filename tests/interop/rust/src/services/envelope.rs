//! The messages that carry a call, and what google.rpc.Code says in them.

use protosocket_rpc::{Message, ProtosocketControlCode as Control};

#[derive(Clone, PartialEq, prost::Message)]
pub struct Request {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(uint32, tag = "2")]
    pub code: u32,
    #[prost(string, tag = "3")]
    pub method: String,
    #[prost(bytes = "vec", tag = "4")]
    pub payload: Vec<u8>,
    /// What is left of the deadline; 0 is none.
    #[prost(uint64, tag = "5")]
    pub timeout_us: u64,
    #[prost(message, repeated, tag = "6")]
    pub metadata: Vec<Entry>,
    /// Whether a stream of requests follows.
    #[prost(bool, tag = "7")]
    pub stream: bool,
    #[prost(uint32, tag = "8")]
    pub encoding: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Response {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(uint32, tag = "2")]
    pub code: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub payload: Vec<u8>,
    #[prost(message, optional, tag = "4")]
    pub status: Option<Status>,
    #[prost(message, repeated, tag = "5")]
    pub metadata: Vec<Entry>,
    /// With a status: no handler has seen the request.
    #[prost(bool, tag = "7")]
    pub unbegun: bool,
    #[prost(message, repeated, tag = "8")]
    pub trailers: Vec<Entry>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Entry {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// google.rpc.Status.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Status {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

/// google.protobuf.Any.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// google.rpc.Code, as far as the tests meet it.
pub mod code {
    pub const INVALID_ARGUMENT: i32 = 3;
    pub const DEADLINE_EXCEEDED: i32 = 4;
    pub const NOT_FOUND: i32 = 5;
    pub const UNIMPLEMENTED: i32 = 12;
    pub const INTERNAL: i32 = 13;
    pub const UNAVAILABLE: i32 = 14;
    pub const UNAUTHENTICATED: i32 = 16;
}

impl Request {
    pub fn new(id: u64, method: &str, payload: &impl prost::Message) -> Self {
        Self {
            id,
            method: method.to_owned(),
            payload: payload.encode_to_vec(),
            ..Self::default()
        }
    }

    pub fn with(mut self, key: &str, value: impl Into<Vec<u8>>) -> Self {
        self.metadata.push(Entry::new(key, value));
        self
    }

    pub fn within(mut self, microseconds: u64) -> Self {
        self.timeout_us = microseconds;
        self
    }
}

impl Response {
    /// The crate's server fills in the id.
    pub fn of(payload: &impl prost::Message) -> Self {
        Self {
            payload: payload.encode_to_vec(),
            ..Self::default()
        }
    }

    pub fn failed(code: i32, message: &str) -> Self {
        Self {
            status: Some(Status {
                code,
                message: message.to_owned(),
                details: Vec::new(),
            }),
            ..Self::default()
        }
    }
}

impl Entry {
    pub fn new(key: &str, value: impl Into<Vec<u8>>) -> Self {
        Self {
            key: key.to_owned(),
            value: value.into(),
        }
    }
}

/// Both messages carry id and code alike. A default one has code 0, which is Normal.
macro_rules! control {
    ($type:ty) => {
        impl Message for $type {
            fn message_id(&self) -> u64 {
                self.id
            }

            fn control_code(&self) -> Control {
                u8::try_from(self.code).map_or(Control::Cancel, Control::from_u8)
            }

            fn set_message_id(&mut self, message_id: u64) {
                self.id = message_id;
            }

            fn cancelled(id: u64) -> Self {
                Self {
                    id,
                    code: Control::Cancel as u32,
                    ..Self::default()
                }
            }

            fn ended(id: u64) -> Self {
                Self {
                    id,
                    code: Control::End as u32,
                    ..Self::default()
                }
            }
        }
    };
}

control!(Request);
control!(Response);
