//! Scenario cases, each run on a connection of its own.

use std::net::SocketAddr;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use protosocket_rpc::Error;
use tokio::time::{sleep, timeout};

use crate::check::{echo, expect, finished, item, mismatch, open, Rpc};
use crate::messages::{Request, Response};
use crate::tls::Tls;
use crate::wire::Wire;
use crate::{say, Outcome};

pub const CASES: &str = "unary big-id streaming cancel refused big many gone slow-reader";

pub async fn run<W: Wire>(address: SocketAddr, tls: Tls, case: &str) -> Outcome {
    timeout(Duration::from_secs(20), scenario::<W>(address, &tls, case))
        .await
        .unwrap_or_else(|_| Err("not done within 20 s".into()))
        .map_err(|error| format!("{case}: {error}"))?;
    say(format_args!("ok {case}"));
    Ok(())
}

async fn scenario<W: Wire>(address: SocketAddr, tls: &Tls, case: &str) -> Outcome {
    // The default step lets one poll of a flooded connection run for seconds, timers waiting.
    let rpc = open::<W>(address, tls, 64 << 10).await?;
    match case {
        "unary" => unary(&rpc).await,
        "big-id" => big_id(&rpc).await,
        "streaming" => streaming(&rpc).await,
        "cancel" => cancel(&rpc).await,
        "refused" => refused(&rpc).await,
        "big" => echo(&rpc, 1, "0123456789abcde\n".repeat(3 << 16), 1).await,
        "many" => many(&rpc).await,
        "gone" => gone(&rpc).await,
        "slow-reader" => slow_reader(&rpc).await,
        _ => Err(format!("no such case, there are: {CASES}").into()),
    }
}

async fn unary(rpc: &Rpc) -> Outcome {
    for id in 1..=100 {
        let number = id.to_string();
        let texts = [number.as_str(), "", "grüße, 世界 🦀", "two\nlines\0"];
        let times = [0, 1, (1 << 53) + 1, 1 << 63, u64::MAX];
        // Four and five share no factor, so every text meets every time.
        echo(rpc, id, texts[id as usize % 4], times[id as usize % 5]).await?;
    }
    Ok(())
}

async fn big_id(rpc: &Rpc) -> Outcome {
    for id in [u64::MAX, 1 << 53, (1 << 53) + 1, 0] {
        echo(rpc, id, "big id", id).await?;
    }
    Ok(())
}

async fn streaming(rpc: &Rpc) -> Outcome {
    let text = "hello stream";
    let mut stream = rpc.send_streaming(Request::streaming(1, text, 1))?;
    for (letter, sequence) in text.chars().zip(0..) {
        item(&mut stream, 1, letter, sequence).await?;
    }
    finished(&mut stream).await
}

async fn cancel(rpc: &Rpc) -> Outcome {
    let never = rpc.send_unary(Request::unary(1, "never", 1))?;
    // The cancel of a request just made may overtake it; this answer shows that it was sent.
    echo(rpc, 2, "in between", 2).await?;
    drop(never);
    echo(rpc, 3, "after never", 3).await?;

    let mut endless = rpc.send_streaming(Request::streaming(4, "endless", 4))?;
    for sequence in 0..5 {
        item(&mut endless, 4, 'x', sequence).await?;
    }
    drop(endless);
    echo(rpc, 5, "after endless", 5).await
}

async fn refused(rpc: &Rpc) -> Outcome {
    let mut bare = Request::unary(1, "", 0);
    bare.body = None;
    for request in [bare, Request::unary(2, "refuse", 2)] {
        match rpc.send_unary(request)?.await {
            Err(Error::CancelledRemotely) => {}
            other => return Err(mismatch(&other, "CancelledRemotely")),
        }
    }
    // A lost connection looks like a refusal, so show that it is still there.
    echo(rpc, 3, "after refusals", 3).await
}

async fn many(rpc: &Rpc) -> Outcome {
    let mut answers = FuturesUnordered::new();
    for id in 0..1000 {
        let text = format!("delay:{}:{id}", id * 7 % 50);
        let completion = rpc.send_unary(Request::unary(id, text.as_str(), id))?;
        answers.push(async move { (id, text, completion.await) });
    }
    let mut order = Vec::new();
    while let Some((id, text, answer)) = answers.next().await {
        expect(answer, Response::echo(id, text, id))?;
        order.push(id);
    }
    if order.is_sorted() {
        return Err("every answer waited for the one before it".into());
    }
    Ok(())
}

async fn gone(rpc: &Rpc) -> Outcome {
    let mut stream = rpc.send_streaming(Request::streaming(1, "exit-after:3", 1))?;
    for sequence in 0..3 {
        item(&mut stream, 1, 'x', sequence).await?;
    }
    finished(&mut stream).await?;

    let closed = async {
        while rpc.is_alive() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    if timeout(Duration::from_secs(5), closed).await.is_err() {
        return Err("is_alive() still true 5 s after the end".into());
    }
    let late = async { rpc.send_unary(Request::unary(2, "too late", 2))?.await };
    match late.await {
        Err(Error::ConnectionIsClosed | Error::CancelledRemotely) => Ok(()),
        other => Err(mismatch(&other, "ConnectionIsClosed or CancelledRemotely")),
    }
}

async fn slow_reader(rpc: &Rpc) -> Outcome {
    let mut endless = rpc.send_streaming(Request::streaming(1, "endless", 1))?;
    for sequence in 0..1010 {
        if sequence == 10 {
            sleep(Duration::from_millis(500)).await;
        }
        item(&mut endless, 1, 'x', sequence).await?;
    }
    drop(endless);
    // Its answer comes after all that was sent meanwhile: the cancel must have arrived.
    echo(rpc, 2, "after endless", 2).await
}
