//! A closed loop of unary echoes, to measure a server with.

use std::mem;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::try_join;
use hdrhistogram::Histogram;
use tokio::time::{sleep_until, timeout};

use crate::check::{mismatch, open, Rpc, DEFAULT_STEP};
use crate::messages::{Kind, Request};
use crate::tls::Tls;
use crate::wire::Wire;
use crate::{say, Outcome};

pub struct Options {
    pub connections: NonZeroUsize,
    pub in_flight: NonZeroUsize,
    pub seconds: u64,
    pub message_bytes: usize,
}

/// Of one connection: its lanes share it, as one histogram each would crowd the cache.
type Latencies = Arc<Mutex<Histogram<u64>>>;

pub async fn run<W: Wire>(address: SocketAddr, tls: Tls, options: Options) -> Outcome {
    let mut connections = Vec::new();
    for _ in 0..options.connections.get() {
        let latencies: Latencies = Arc::new(Mutex::new(empty()));
        connections.push((open::<W>(address, &tls, DEFAULT_STEP).await?, latencies));
    }

    let in_flight = options.in_flight.get();
    let text = "x".repeat(options.message_bytes);
    let epoch = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let start = Instant::now();
    let second = |n| start + Duration::from_secs(n);
    let span = (start, second(options.seconds));
    let lanes = (0..in_flight).map(|number| {
        let (rpc, latencies) = connections[number % connections.len()].clone();
        let ids = (number as u64 + 1..).step_by(in_flight);
        tokio::spawn(lane(rpc, latencies, ids, text.clone(), epoch, span))
    });
    let lanes: Vec<_> = lanes.collect();

    let mut total = empty();
    let lines = async {
        let mut last = start;
        for n in 1..=options.seconds {
            sleep_until(second(n).into()).await;
            let latencies = take(&connections);
            let now = Instant::now();
            say(line(&latencies, now - last));
            last = now;
            total += &latencies;
        }
        Outcome::Ok(())
    };
    let done = async {
        for lane in lanes {
            lane.await??;
        }
        Ok(())
    };
    let patience = Duration::from_secs(options.seconds + 10);
    timeout(patience, try_join(lines, done))
        .await
        .map_err(|_| "an answer never came")??;

    total += &take(&connections);
    say(format_args!("summary {}", line(&total, start.elapsed())));
    say(format_args!("cpu {:.2}", cpu_seconds()));
    Ok(())
}

/// Keeps one request in flight until the end.
async fn lane(
    rpc: Rpc,
    latencies: Latencies,
    ids: impl Iterator<Item = u64>,
    text: String,
    epoch: Duration,
    (start, end): (Instant, Instant),
) -> Outcome {
    for id in ids {
        let sent = Instant::now();
        if sent >= end {
            break;
        }
        let message = if text.is_empty() {
            id.to_string()
        } else {
            text.clone()
        };
        let nanotime = (epoch + (sent - start)).as_nanos() as u64;
        let answer = rpc
            .send_unary(Request::unary(id, message, nanotime))?
            .await?;
        let latency = sent.elapsed().as_nanos() as u64;

        let right = match &answer.kind {
            Some(Kind::Echo(echo)) if text.is_empty() => echo.message.parse() == Ok(id),
            Some(Kind::Echo(echo)) => echo.message == text,
            _ => false,
        };
        if !right || answer.request_id != id {
            return Err(mismatch(&answer, &format!("an echo of {id}")));
        }
        let mut latencies = latencies.lock().expect("not poisoned");
        latencies.saturating_record(latency);
    }
    Ok(())
}

/// In nanoseconds, told apart from a microsecond to a minute.
fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("valid bounds")
}

fn take(connections: &[(Rpc, Latencies)]) -> Histogram<u64> {
    let mut all = empty();
    for (_, latencies) in connections {
        // Made before locking and summed after it, so that no lane has to wait.
        let fresh = empty();
        let taken = mem::replace(&mut *latencies.lock().expect("not poisoned"), fresh);
        all += &taken;
    }
    all
}

fn line(latencies: &Histogram<u64>, took: Duration) -> String {
    let rate = latencies.len() as f64 / took.as_secs_f64();
    let [p50, p99, p999] =
        [50.0, 99.0, 99.9].map(|p| latencies.value_at_percentile(p) as f64 / 1e6);
    format!("{rate:.0} rpc/s p50 {p50:.3} p99 {p99:.3} p99.9 {p999:.3} ms")
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let mut usage = mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the call fills what it is given, and all zeros is a valid value too.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}
