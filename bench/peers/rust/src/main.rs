//! The rows of the bench that are written in Rust.

mod grpc;
mod hub;
mod load;
mod messages;
mod protosocket;

use std::fmt::Display;
use std::io::{BufRead, Write};
use std::process::ExitCode;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;
pub type Outcome<T = ()> = Result<T, Failure>;

const USAGE: &str =
    "Usage: peers [--fan-out] [--step BYTES] protosocket|tonic server|(client PORT)";

/// Worker threads of each end: two make the stronger pair, even on two cores.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    match dispatch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut args: &[&str] = &args.iter().map(String::as_str).collect::<Vec<_>>();
    let mut step = protosocket::BUFFER_STEP;
    loop {
        match args {
            ["--fan-out", rest @ ..] => {
                hub::open();
                args = rest;
            }
            ["--step", bytes, rest @ ..] => {
                step = bytes.parse()?;
                args = rest;
            }
            _ => break,
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()?;
    match *args {
        ["protosocket", "server"] => runtime.block_on(protosocket::serve(step)),
        ["protosocket", "client", port] => {
            protosocket::STEP.store(step, std::sync::atomic::Ordering::Relaxed);
            runtime.block_on(load::run::<protosocket::Client>(port.parse()?))
        }
        ["tonic", "server"] => runtime.block_on(grpc::serve()),
        ["tonic", "client", port] => runtime.block_on(load::run::<grpc::Client>(port.parse()?)),
        _ => Err(USAGE.into()),
    }
}

/// Tells the runner the port, answers when it asks for a collection, and ends with it.
pub fn listening(port: u16) {
    say(format_args!("listening {port}"));
    std::thread::spawn(|| {
        for line in std::io::stdin().lock().lines() {
            if line.is_err() {
                break;
            }
            say("collected");
        }
        std::process::exit(0);
    });
}

/// Writes a line at once; a reader that went away is no reason to panic.
pub fn say(line: impl Display) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
