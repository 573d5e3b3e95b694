//! Makes the calls that the runner asks for, and tells of them: the same as bench/client.ts.

use std::future::Future;
use std::io::BufRead;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use futures::{Stream, StreamExt};
use hdrhistogram::Histogram;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::messages::{EchoRequest, Kind, Request, Response, ResponseBehavior};
use crate::{say, Outcome};

/// One connection of a row.
pub trait Caller: Clone + Send + Sync + 'static {
    fn connect(port: u16) -> impl Future<Output = Outcome<Self>> + Send;
    fn unary(&self, request: Request) -> impl Future<Output = Outcome<Response>> + Send;
    fn items(
        &self,
        request: Request,
    ) -> impl Future<Output = Outcome<impl Stream<Item = Outcome<Response>> + Send + Unpin>> + Send;
    /// A call with a stream of requests, each of which is answered.
    fn chat(
        &self,
        requests: Vec<Request>,
    ) -> impl Future<Output = Outcome<impl Stream<Item = Outcome<Response>> + Send + Unpin>> + Send;
    /// For rows whose ids are not a matter of the transport.
    fn next_id() -> u64;
}

/// See bench/work.ts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Work {
    kind: String,
    connections: usize,
    in_flight: usize,
    rate: Option<f64>,
    bytes: usize,
    items: Option<u64>,
    seconds: f64,
}

/// Of one connection: its lanes share it, as one histogram each would crowd the cache.
type Latencies = Arc<Mutex<Histogram<u64>>>;

pub async fn run<C: Caller>(port: u16) -> Outcome {
    for line in std::io::stdin().lock().lines() {
        let work = serde_json::from_str(&line?)?;
        match measure::<C>(port, Arc::new(work)).await {
            // Its connections are closed by now.
            Ok(result) => say(format_args!("result {result}\nclosed")),
            Err(error) => say(format_args!("failed {error}")),
        }
    }
    Ok(())
}

async fn measure<C: Caller>(port: u16, work: Arc<Work>) -> Outcome<String> {
    let mut connections = Vec::new();
    for _ in 0..work.connections {
        connections.push((C::connect(port).await?, Arc::new(Mutex::new(empty()))));
    }
    if work.kind == "echo" {
        // The first call of a connection makes what the others use.
        for (caller, _) in &connections {
            greet(caller).await?;
        }
    }
    let subscribed = match work.kind.as_str() {
        "fan-out" => Some(subscribe(&connections, &work).await?),
        _ => None,
    };
    say("begin");
    let start = Instant::now();
    match (work.rate, subscribed) {
        (_, Some(deliveries)) => publish(&connections, &work, start, &deliveries).await?,
        (Some(rate), None) => open_loop(&connections, &work, start, rate).await?,
        (None, None) => closed_loop(&connections, &work, start).await?,
    }
    let mut total = empty();
    for (_, latencies) in &connections {
        total += &*latencies.lock().expect("not poisoned");
    }
    let items = match work.kind.as_str() {
        "stream" | "bidi" => work.items.unwrap_or(1),
        "fan-out" => work.connections as u64,
        _ => 1,
    };
    let [p50, p90, p99, p999, max] =
        [50.0, 90.0, 99.0, 99.9, 100.0].map(|p| total.value_at_percentile(p) as f64 / 1e3);
    Ok(serde_json::json!({
        "count": total.len() * items,
        "seconds": start.elapsed().as_secs_f64(),
        "latency": { "p50": p50, "p90": p90, "p99": p99, "p999": p999, "max": max },
    })
    .to_string())
}

async fn closed_loop<C: Caller>(
    connections: &[(C, Latencies)],
    work: &Arc<Work>,
    start: Instant,
) -> Outcome {
    let end = start + Duration::from_secs_f64(work.seconds);
    let numbers = Arc::new(AtomicU64::new(0));
    let lanes = (0..work.in_flight).map(|lane| {
        let (caller, latencies) = connections[lane % connections.len()].clone();
        let (work, numbers) = (work.clone(), numbers.clone());
        tokio::spawn(async move {
            let text = "x".repeat(work.bytes);
            loop {
                let sent = Instant::now();
                if sent >= end {
                    return Outcome::Ok(());
                }
                call(&caller, &work, &text, numbers.fetch_add(1, Relaxed)).await?;
                record(&latencies, sent);
            }
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await??;
    }
    Ok(())
}

async fn open_loop<C: Caller>(
    connections: &[(C, Latencies)],
    work: &Arc<Work>,
    start: Instant,
    rate: f64,
) -> Outcome {
    let total = (rate * work.seconds) as u64;
    let mut sent = 0;
    let mut calls = Vec::new();
    while sent < total {
        let due = ((start.elapsed().as_secs_f64() * rate) as u64).min(total);
        for number in sent..due {
            let intended = start + Duration::from_secs_f64(number as f64 / rate);
            let (caller, latencies) = connections[number as usize % connections.len()].clone();
            let work = work.clone();
            calls.push(tokio::spawn(async move {
                let text = "x".repeat(work.bytes);
                call(&caller, &work, &text, number).await?;
                record(&latencies, intended);
                Outcome::Ok(())
            }));
        }
        sent = due;
        sleep(Duration::from_millis(1)).await;
    }
    for call in try_join_all(calls).await? {
        call?;
    }
    Ok(())
}

/// Of one message: how many have not got it yet, and that all have.
type Deliveries = (Arc<AtomicUsize>, Arc<Notify>);

/// How long all deliveries of one message may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Subscribes on each connection; all have their first item when it returns.
async fn subscribe<C: Caller>(
    connections: &[(C, Latencies)],
    work: &Arc<Work>,
) -> Outcome<Deliveries> {
    let left = Arc::new(AtomicUsize::new(connections.len()));
    let all = Arc::new(Notify::new());
    for (caller, _) in connections {
        let (caller, work, left, all) = (caller.clone(), work.clone(), left.clone(), all.clone());
        tokio::spawn(async move {
            let subscribe = request::<C>(String::new(), 0, ResponseBehavior::Stream);
            let mut items = caller.items(subscribe).await?;
            let mut sequence = 0;
            while let Some(item) = items.next().await {
                match item?.kind {
                    Some(Kind::Stream(item))
                        if item.nanotime == sequence
                            && (sequence == 0 || item.message.len() == work.bytes) => {}
                    _ => return Err(format!("message {sequence} is not what it should be").into()),
                }
                sequence += 1;
                if left.fetch_sub(1, Relaxed) == 1 {
                    all.notify_one();
                }
            }
            Outcome::Ok(())
        });
    }
    tokio::time::timeout(PATIENCE, all.notified()).await?;
    Ok((left, all))
}

/// Publishes one message after another, each when all have the one before.
async fn publish<C: Caller>(
    connections: &[(C, Latencies)],
    work: &Arc<Work>,
    start: Instant,
    (left, all): &Deliveries,
) -> Outcome {
    let end = start + Duration::from_secs_f64(work.seconds);
    let (publisher, latencies) = &connections[0];
    let text = "x".repeat(work.bytes);
    let mut number = 0;
    while Instant::now() < end {
        number += 1;
        left.store(connections.len(), Relaxed);
        let sent = Instant::now();
        call(publisher, work, &text, number).await?;
        tokio::time::timeout(PATIENCE, all.notified()).await?;
        record(latencies, sent);
    }
    Ok(())
}

fn request<C: Caller>(message: String, nanotime: u64, behavior: ResponseBehavior) -> Request {
    Request {
        request_id: C::next_id(),
        body: Some(EchoRequest { message, nanotime }),
        response_behavior: behavior as i32,
        ..Request::default()
    }
}

async fn call<C: Caller>(caller: &C, work: &Work, text: &str, number: u64) -> Outcome {
    if work.kind == "stream" {
        return read(caller, work.items.unwrap_or(0), work.bytes).await;
    }
    if work.kind == "bidi" {
        return chat(caller, work.items.unwrap_or(0), text).await;
    }
    let message = match text {
        "" => number.to_string(),
        text => text.to_owned(),
    };
    let request = request::<C>(message, number, ResponseBehavior::Unary);
    match caller.unary(request).await?.kind {
        Some(Kind::Echo(echo)) if echo.nanotime == number && right(&echo.message, text, number) => {
            Ok(())
        }
        _ => Err(format!("{number} is not its echo").into()),
    }
}

async fn greet<C: Caller>(caller: &C) -> Outcome {
    let request = request::<C>("hello".into(), 1, ResponseBehavior::Unary);
    match caller.unary(request).await?.kind {
        Some(Kind::Echo(echo)) if echo.message == "hello" => Ok(()),
        _ => Err("a first call is not its echo".into()),
    }
}

fn right(message: &str, text: &str, number: u64) -> bool {
    if text.is_empty() {
        message.parse() == Ok(number)
    } else {
        message == text
    }
}

async fn read<C: Caller>(caller: &C, count: u64, bytes: usize) -> Outcome {
    let asked = request::<C>(count.to_string(), bytes as u64, ResponseBehavior::Stream);
    let mut items = caller.items(asked).await?;
    let mut sequence = 0;
    while let Some(item) = items.next().await {
        match item?.kind {
            Some(Kind::Stream(item)) if item.sequence == sequence && item.message.len() == bytes => {}
            _ => return Err(format!("item {sequence} is not what it should be").into()),
        }
        sequence += 1;
    }
    if sequence == count {
        Ok(())
    } else {
        Err(format!("the stream ended after {sequence} items").into())
    }
}

async fn chat<C: Caller>(caller: &C, count: u64, text: &str) -> Outcome {
    let request = |number| request::<C>(text.to_owned(), number, ResponseBehavior::Unary);
    let mut answers = caller.chat((0..count).map(request).collect()).await?;
    let mut next = 0;
    while let Some(answer) = answers.next().await {
        match answer?.kind {
            Some(Kind::Echo(echo)) if echo.nanotime == next && echo.message == text => {}
            _ => return Err(format!("answer {next} is not what it should be").into()),
        }
        next += 1;
    }
    if next == count {
        Ok(())
    } else {
        Err(format!("the stream ended after {next} answers").into())
    }
}

fn record(latencies: &Latencies, since: Instant) {
    let latency = since.elapsed().as_nanos() as u64;
    let mut latencies = latencies.lock().expect("not poisoned");
    latencies.saturating_record(latency);
}

/// In nanoseconds, told apart from a microsecond to a minute.
fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("valid bounds")
}
