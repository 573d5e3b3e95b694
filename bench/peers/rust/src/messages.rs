//! The messages of examples/proto/echo.proto.

use protosocket_rpc::{Message, ProtosocketControlCode as Code};

#[derive(Clone, PartialEq, prost::Message)]
pub struct Request {
    #[prost(uint64, tag = "1")]
    pub request_id: u64,
    #[prost(uint32, tag = "2")]
    pub code: u32,
    #[prost(message, optional, tag = "3")]
    pub body: Option<EchoRequest>,
    #[prost(enumeration = "ResponseBehavior", tag = "4")]
    pub response_behavior: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ResponseBehavior {
    Unary = 0,
    Stream = 1,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct EchoRequest {
    #[prost(string, tag = "1")]
    pub message: String,
    #[prost(uint64, tag = "2")]
    pub nanotime: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Response {
    #[prost(uint64, tag = "1")]
    pub request_id: u64,
    #[prost(uint32, tag = "2")]
    pub code: u32,
    #[prost(oneof = "Kind", tags = "3, 4")]
    pub kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Kind {
    #[prost(message, tag = "3")]
    Echo(EchoResponse),
    #[prost(message, tag = "4")]
    Stream(EchoStream),
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct EchoResponse {
    #[prost(string, tag = "1")]
    pub message: String,
    #[prost(uint64, tag = "2")]
    pub nanotime: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct EchoStream {
    #[prost(string, tag = "1")]
    pub message: String,
    #[prost(uint64, tag = "2")]
    pub nanotime: u64,
    #[prost(uint64, tag = "3")]
    pub sequence: u64,
}

/// The answer to a unary request.
pub fn echo(request_id: u64, body: EchoRequest) -> Response {
    let EchoRequest { message, nanotime } = body;
    let kind = Some(Kind::Echo(EchoResponse { message, nanotime }));
    Response {
        request_id,
        kind,
        ..Default::default()
    }
}

/// As many items as the message says, of as many bytes as nanotime says.
pub fn items(request_id: u64, body: EchoRequest) -> impl Iterator<Item = Response> + Send {
    let count = body.message.parse().unwrap_or(0);
    let text = "x".repeat(body.nanotime as usize);
    (0..count).map(move |sequence| Response {
        request_id,
        kind: Some(Kind::Stream(EchoStream {
            message: text.clone(),
            nanotime: 0,
            sequence,
        })),
        ..Default::default()
    })
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
