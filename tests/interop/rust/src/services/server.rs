//! A server of prices.v1.Prices; some symbols make it misbehave on purpose:
//!
//! MISSING is not found, with details; BUSY is unavailable; REFUSE is cancelled without a
//! status; NEVER has no answer; SECRET wants metadata "authorization"; TIME-LEFT costs what
//! is left of the deadline in milliseconds; ECHO answers with the metadata of the request.

use std::time::Duration;

use futures::future::{self, BoxFuture};
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use prost::Message;
use protosocket::PooledEncoder;
use protosocket_prost::{ProstDecoder, ProstSerializer};
use protosocket_rpc::server::{ConnectionService, RpcKind, SocketRpcServer, SocketService};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::envelope::{code, Any, Request, Response};
use super::prices::{
    GetQuoteRequest, Missing, Quote, WatchQuotesRequest, GET_QUOTE, PLACE_ORDERS, TRADE,
    WATCH_QUOTES,
};
use crate::server::{Dropped, Listener, BUFFER_STEP, MAX_BUFFER, MAX_QUEUED};
use crate::{say, Outcome};

type Kind = RpcKind<BoxFuture<'static, Response>, BoxStream<'static, Response>>;

pub async fn run(listen: std::net::SocketAddr) -> Outcome {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let listener = Listener(listener);
    let server = SocketRpcServer::new(listener, Service, MAX_BUFFER, BUFFER_STEP, MAX_QUEUED)?;
    say(format_args!("listening {address}"));
    Ok(server.await?)
}

struct Service;

impl SocketService for Service {
    type ConnectionService = Prices;
    type SocketListener = Listener;

    fn codec(&mut self) -> <Prices as ConnectionService>::Codec {
        let encoder = PooledEncoder::new_with_pool_size(64, ProstSerializer::default());
        (encoder, ProstDecoder::default())
    }

    fn new_stream_service(&mut self, _stream: &TcpStream) -> Prices {
        Prices
    }
}

struct Prices;

impl ConnectionService for Prices {
    type Codec = (
        PooledEncoder<ProstSerializer<Response>>,
        ProstDecoder<Request>,
    );
    type Request = Request;
    type Response = Response;
    type UnaryFutureType = BoxFuture<'static, Response>;
    type StreamType = BoxStream<'static, Response>;

    fn new_rpc(&mut self, request: Request) -> Kind {
        if request.encoding != 0 {
            return fail(code::UNIMPLEMENTED, "only protobuf is spoken here");
        }
        if request.stream {
            return fail(
                code::UNIMPLEMENTED,
                "streams of requests are not taken here",
            );
        }
        match request.method.as_str() {
            GET_QUOTE => get_quote(request),
            WATCH_QUOTES => watch_quotes(request),
            PLACE_ORDERS | TRADE => {
                fail(code::UNIMPLEMENTED, "the method takes a stream of requests")
            }
            _ => fail(code::UNIMPLEMENTED, "no such method"),
        }
    }
}

fn fail(code: i32, message: &str) -> Kind {
    RpcKind::Unary(future::ready(Response::failed(code, message)).boxed())
}

fn get_quote(request: Request) -> Kind {
    let Ok(GetQuoteRequest { symbol }) = GetQuoteRequest::decode(request.payload.as_slice()) else {
        return fail(code::INVALID_ARGUMENT, "the request cannot be read");
    };
    let mut quote = quote(&symbol, 0);
    let answer = match symbol.as_str() {
        "REFUSE" => return RpcKind::Cancelled,
        "BUSY" => return RpcKind::Unary(future::ready(busy()).boxed()),
        "SECRET" if !authenticated(&request) => {
            return fail(code::UNAUTHENTICATED, "who is there?")
        }
        "NEVER" => return RpcKind::Unary(never(&request)),
        "MISSING" => missing(symbol),
        "TIME-LEFT" => {
            quote.price = request.timeout_us as f64 / 1000.0;
            Response::of(&quote)
        }
        "ECHO" => Response {
            metadata: request.metadata.clone(),
            trailers: request.metadata,
            ..Response::of(&quote)
        },
        _ => Response::of(&quote),
    };
    RpcKind::Unary(future::ready(answer).boxed())
}

fn authenticated(request: &Request) -> bool {
    let token = |entry: &super::envelope::Entry| {
        entry.key == "authorization" && entry.value == b"Bearer open sesame"
    };
    request.metadata.iter().any(token)
}

/// Works until it is cancelled or late.
fn never(request: &Request) -> BoxFuture<'static, Response> {
    let dropped = Dropped(request.id);
    let never = future::pending().inspect(move |_: &Response| drop(dropped));
    match request.timeout_us {
        0 => never.boxed(),
        microseconds => timeout(Duration::from_micros(microseconds), never)
            .map(|answer| {
                answer.unwrap_or_else(|_| Response::failed(code::DEADLINE_EXCEEDED, "too late"))
            })
            .boxed(),
    }
}

/// May be tried elsewhere: it was not begun.
fn busy() -> Response {
    Response {
        unbegun: true,
        ..Response::failed(code::UNAVAILABLE, "too busy")
    }
}

fn missing(symbol: String) -> Response {
    let mut answer = Response::failed(code::NOT_FOUND, "no such symbol: MISSING");
    if let Some(status) = &mut answer.status {
        status.details.push(Any {
            type_url: "type.googleapis.com/prices.v1.Missing".to_owned(),
            value: Missing { symbol }.encode_to_vec(),
        });
    }
    answer
}

/// `count` quotes; of MISSING two and then a failure, of NEVER without an end, of ECHO with
/// the request's metadata before and after them.
fn watch_quotes(request: Request) -> Kind {
    let Ok(WatchQuotesRequest { symbol, count }) =
        WatchQuotesRequest::decode(request.payload.as_slice())
    else {
        return fail(code::INVALID_ARGUMENT, "the request cannot be read");
    };
    let (id, name) = (request.id, symbol.clone());
    let quotes = move |sequence| Response::of(&quote(&name, sequence));
    RpcKind::Streaming(match symbol.as_str() {
        "REFUSE" => return RpcKind::Cancelled,
        "NEVER" => {
            let dropped = Dropped(id);
            let held = move |sequence| {
                let _held = &dropped;
                quotes(sequence)
            };
            stream::iter(0..).map(held).boxed()
        }
        "MISSING" => stream::iter(0..2)
            .map(quotes)
            .chain(stream::once(future::ready(missing(symbol))))
            .boxed(),
        "ECHO" => {
            let metadata = request.metadata;
            let mut last = Response::failed(0, "");
            last.trailers = metadata.clone();
            let all = stream::iter(0..count)
                .map(quotes)
                .chain(stream::once(future::ready(last)));
            // Metadata is for the first message, whichever that is.
            let numbered = all.zip(stream::iter(0..));
            numbered
                .map(move |(mut message, number)| {
                    if number == 0 {
                        message.metadata.clone_from(&metadata);
                    }
                    message
                })
                .boxed()
        }
        _ => stream::iter(0..count).map(quotes).boxed(),
    })
}

fn quote(symbol: &str, sequence: u32) -> Quote {
    Quote {
        symbol: symbol.to_owned(),
        price: 100.0 + f64::from(sequence),
        sequence,
    }
}
