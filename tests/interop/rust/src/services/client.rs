//! Cases of the example service, each run on a connection of its own. The server has the
//! symbols of the server here.

use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt;
use prost::Message;
use protosocket::PooledEncoder;
use protosocket_prost::{ProstDecoder, ProstSerializer};
use protosocket_rpc::client::{connect, Configuration, RpcClient, TcpStreamConnector};
use protosocket_rpc::Error;
use tokio::time::timeout;

use super::envelope::{code, Request, Response, Status};
use super::prices::{
    GetQuoteRequest, Missing, Quote, WatchQuotesRequest, GET_QUOTE, PLACE_ORDERS, WATCH_QUOTES,
};
use crate::check::mismatch;
use crate::{say, Outcome};

pub const CASES: &str = "unary stream status stream-status metadata trailers trailers-only \
deadline cancel cancel-stream busy crash unknown-method unknown-service encoding garbage \
needs-stream unwanted-stream";

type Rpc = RpcClient<Request, Response>;

pub async fn run(address: SocketAddr, case: &str) -> Outcome {
    timeout(Duration::from_secs(20), scenario(address, case))
        .await
        .unwrap_or_else(|_| Err("not done within 20 s".into()))
        .map_err(|error| format!("{case}: {error}"))?;
    say(format_args!("ok {case}"));
    Ok(())
}

async fn scenario(address: SocketAddr, case: &str) -> Outcome {
    type Codec = (
        PooledEncoder<ProstSerializer<Request>>,
        ProstDecoder<Response>,
    );
    let configuration = Configuration::new(TcpStreamConnector);
    let (rpc, connection) = connect::<Codec, _>(address, &configuration).await?;
    tokio::spawn(connection);
    match case {
        "unary" => unary(&rpc).await,
        "stream" => stream(&rpc).await,
        "status" => status(&rpc).await,
        "stream-status" => stream_status(&rpc).await,
        "metadata" => metadata(&rpc).await,
        "trailers" => trailers(&rpc, 3).await,
        "trailers-only" => trailers(&rpc, 0).await,
        "deadline" => deadline(&rpc).await,
        "cancel" => cancel(&rpc).await,
        "cancel-stream" => cancel_stream(&rpc).await,
        "busy" => fails(&rpc, get_quote(1, "BUSY"), code::UNAVAILABLE).await,
        "crash" => crash(&rpc).await,
        "unknown-method" => unknown(&rpc, "prices.v1.Prices/Guess").await,
        "unknown-service" => unknown(&rpc, "prices.v2.Prices/GetQuote").await,
        "encoding" => {
            let mut request = get_quote(1, "X");
            request.encoding = 77;
            fails(&rpc, request, code::UNIMPLEMENTED).await
        }
        "garbage" => {
            let mut request = get_quote(1, "X");
            request.payload = vec![0xff; 3];
            fails(&rpc, request, code::INVALID_ARGUMENT).await
        }
        "needs-stream" => {
            let request = Request::new(1, PLACE_ORDERS, &GetQuoteRequest::default());
            fails(&rpc, request, code::UNIMPLEMENTED).await
        }
        "unwanted-stream" => {
            let mut request = get_quote(1, "X");
            request.stream = true;
            fails(&rpc, request, code::UNIMPLEMENTED).await
        }
        _ => Err(format!("no such case, there are: {CASES}").into()),
    }
}

fn get_quote(id: u64, symbol: &str) -> Request {
    let symbol = symbol.to_owned();
    Request::new(id, GET_QUOTE, &GetQuoteRequest { symbol })
}

fn watch_quotes(id: u64, symbol: &str, count: u32) -> Request {
    let symbol = symbol.to_owned();
    Request::new(id, WATCH_QUOTES, &WatchQuotesRequest { symbol, count })
}

/// The status that a response carries, if it is a failure.
fn failure(response: &Response) -> Option<&Status> {
    response.status.as_ref().filter(|status| status.code != 0)
}

async fn quote(rpc: &Rpc, request: Request, symbol: &str) -> Outcome<Response> {
    let response = rpc.send_unary(request)?.await?;
    if let Some(status) = failure(&response) {
        return Err(mismatch(status, "a quote"));
    }
    let quote = Quote::decode(response.payload.as_slice())?;
    if quote.symbol != symbol {
        return Err(mismatch(&quote, symbol));
    }
    Ok(response)
}

/// A unary call that has to fail with that status.
async fn failed(rpc: &Rpc, request: Request) -> Outcome<Status> {
    let response = rpc.send_unary(request)?.await?;
    match failure(&response) {
        Some(status) => Ok(status.clone()),
        None => Err(mismatch(&response, "a failure")),
    }
}

async fn fails(rpc: &Rpc, request: Request, code: i32) -> Outcome {
    let status = failed(rpc, request).await?;
    if status.code == code && !status.message.is_empty() {
        return Ok(());
    }
    Err(mismatch(&status, &format!("code {code} and a message")))
}

async fn unary(rpc: &Rpc) -> Outcome {
    for id in [1, 2, 0, 1 << 33, (1 << 51) - 1] {
        for symbol in ["X", "", "Grüße, 世界 🦀"] {
            quote(rpc, get_quote(id, symbol), symbol).await?;
        }
    }
    let long = "0123456789abcdef".repeat(1 << 16);
    quote(rpc, get_quote(3, &long), &long).await.map(drop)
}

async fn stream(rpc: &Rpc) -> Outcome {
    let (quotes, last) = watch(rpc, watch_quotes(1, "X", 12)).await?;
    match (quotes, last) {
        (12, None) => Ok(()),
        other => Err(mismatch(&other, "12 quotes and no trailers")),
    }
}

/// Reads a stream to its end: how many quotes there were, and the last message if that was
/// none of them.
async fn watch(rpc: &Rpc, request: Request) -> Outcome<(u32, Option<Response>)> {
    let mut stream = rpc.send_streaming(request)?;
    let (mut quotes, mut last) = (0, None);
    loop {
        match stream.next().await {
            Some(Ok(response)) if last.is_some() => {
                return Err(mismatch(&response, "nothing after the last message"))
            }
            Some(Ok(response)) if response.status.is_some() => last = Some(response),
            Some(Ok(response)) => {
                let quote = Quote::decode(response.payload.as_slice())?;
                if quote.sequence != quotes {
                    return Err(mismatch(&quote, &format!("quote {quotes}")));
                }
                quotes += 1;
            }
            None | Some(Err(Error::Finished)) => return Ok((quotes, last)),
            Some(Err(error)) => return Err(error.into()),
        }
    }
}

/// NOT_FOUND with a Missing in its details.
fn is_missing(status: &Status) -> Outcome {
    let wanted = "5 with Missing as its detail";
    let [detail] = status.details.as_slice() else {
        return Err(mismatch(status, wanted));
    };
    let missing = Missing::decode(detail.value.as_slice())?;
    if status.code == code::NOT_FOUND
        && status.message == "no such symbol: MISSING"
        && detail.type_url == "type.googleapis.com/prices.v1.Missing"
        && missing.symbol == "MISSING"
    {
        return Ok(());
    }
    Err(mismatch(status, wanted))
}

async fn status(rpc: &Rpc) -> Outcome {
    is_missing(&failed(rpc, get_quote(1, "MISSING")).await?)
}

async fn stream_status(rpc: &Rpc) -> Outcome {
    let (quotes, last) = watch(rpc, watch_quotes(1, "MISSING", 9)).await?;
    match last.as_ref().and_then(failure) {
        Some(status) if quotes == 2 => is_missing(status),
        _ => Err(mismatch(&(quotes, last), "2 quotes and a failure")),
    }
}

fn binary() -> Vec<u8> {
    (0..=255).collect()
}

async fn metadata(rpc: &Rpc) -> Outcome {
    fails(rpc, get_quote(1, "SECRET"), code::UNAUTHENTICATED).await?;
    let request = get_quote(2, "SECRET").with("authorization", "Bearer open sesame");
    quote(rpc, request, "SECRET").await?;

    let request = get_quote(3, "ECHO")
        .with("a-bin", binary())
        .with("b", "text");
    let sent = request.metadata.clone();
    let response = quote(rpc, request, "ECHO").await?;
    if response.metadata == sent && response.trailers == sent {
        return Ok(());
    }
    Err(mismatch(&response, &format!("{sent:?}")))
}

async fn trailers(rpc: &Rpc, count: u32) -> Outcome {
    let request = watch_quotes(1, "ECHO", count)
        .with("a-bin", binary())
        .with("b", "text");
    let sent = request.metadata.clone();
    let (quotes, last) = watch(rpc, request).await?;
    match &last {
        Some(last) if quotes == count && failure(last).is_none() && last.trailers == sent => Ok(()),
        _ => Err(mismatch(&(quotes, last), &format!("trailers {sent:?}"))),
    }
}

async fn deadline(rpc: &Rpc) -> Outcome {
    let minute = 60_000_000;
    let response = quote(rpc, get_quote(1, "TIME-LEFT").within(minute), "TIME-LEFT").await?;
    let left = Quote::decode(response.payload.as_slice())?.price;
    if !(0.0..=60_000.0).contains(&left) || left == 0.0 {
        return Err(mismatch(&left, "up to 60,000 ms left"));
    }
    let late = get_quote(2, "NEVER").within(20_000);
    fails(rpc, late, code::DEADLINE_EXCEEDED).await?;
    let late = watch_quotes(3, "NEVER-QUOTED", 1).within(20_000);
    let (_, last) = watch(rpc, late).await?;
    match last.as_ref().and_then(failure) {
        Some(status) if status.code == code::DEADLINE_EXCEEDED => Ok(()),
        other => Err(mismatch(&other, "a stream that is late")),
    }
}

async fn cancel(rpc: &Rpc) -> Outcome {
    let never = rpc.send_unary(get_quote(1, "NEVER"))?;
    // The cancel of a request just made may overtake it; this answer shows that it was sent.
    quote(rpc, get_quote(2, "X"), "X").await?;
    drop(never);
    quote(rpc, get_quote(3, "X"), "X").await.map(drop)
}

async fn cancel_stream(rpc: &Rpc) -> Outcome {
    let mut stream = rpc.send_streaming(watch_quotes(1, "NEVER", 0))?;
    for _ in 0..5 {
        stream.next().await.ok_or("a stream ended")??;
    }
    drop(stream);
    quote(rpc, get_quote(2, "X"), "X").await.map(drop)
}

async fn crash(rpc: &Rpc) -> Outcome {
    let status = failed(rpc, get_quote(1, "CRASH")).await?;
    if status.code == code::INTERNAL && !status.message.contains("secret") {
        return Ok(());
    }
    Err(mismatch(&status, "13 and nothing about the reason"))
}

async fn unknown(rpc: &Rpc, method: &str) -> Outcome {
    let mut request = get_quote(1, "X");
    request.method = method.to_owned();
    fails(rpc, request.clone(), code::UNIMPLEMENTED).await?;
    request.id = 2;
    let (_, last) = watch(rpc, request).await?;
    match last.as_ref().and_then(failure) {
        Some(status) if status.code == code::UNIMPLEMENTED => Ok(()),
        other => Err(mismatch(&other, "no such method")),
    }
}
