//! The Rust end of the interop tests and of the benchmark.

mod check;
mod client;
mod load;
mod messages;
mod server;
mod services;
mod tls;
mod wire;

use std::fmt::Display;
use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::process::ExitCode;

use lexopt::prelude::*;
use tls::{Tls, Trust};
use wire::{MessagePack, Protobuf, Wire};

pub type Failure = Box<dyn std::error::Error + Send + Sync>;
pub type Outcome<T = ()> = Result<T, Failure>;

const HELP: &str = "\
Usage:
  interop server [--listen 127.0.0.1:0]
  interop client ADDRESS CASE
  interop services-server [--listen 127.0.0.1:0]
  interop services-client ADDRESS CASE
  interop load ADDRESS [--connections 4] [--in-flight 256] [--seconds 5]
                       [--workers 2] [--message-bytes 0]

with --messagepack each speaks MessagePack instead of protobuf.
with --cert FILE --key FILE a server speaks TLS, and with --ca FILE it wants clients
to have a certificate by that authority.
with --tls unverified|public|given a client speaks TLS to a server named localhost;
given is the authority --ca FILE, and --cert FILE --key FILE are what it shows.
in-flight counts all connections together; with message-bytes 0 each message
is its request id in decimal.

";

fn main() -> ExitCode {
    match dispatch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("interop: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Outcome {
    let mut parser = lexopt::Parser::from_env();
    let mut words: Vec<String> = Vec::new();
    let mut listen = "127.0.0.1:0".parse()?;
    let mut messagepack = false;
    let mut tls = Tls::default();
    let mut workers = NonZeroUsize::new(2).expect("not zero");
    let mut options = load::Options {
        connections: NonZeroUsize::new(4).expect("not zero"),
        in_flight: NonZeroUsize::new(256).expect("not zero"),
        seconds: 5,
        message_bytes: 0,
    };

    while let Some(arg) = parser.next()? {
        let command = words.first().map_or("", String::as_str);
        match (command, arg) {
            (_, Short('h') | Long("help")) => {
                say(format_args!("{HELP}Cases: {}", client::CASES));
                say(format_args!(
                    "Cases of services: {}",
                    services::client::CASES
                ));
                return Ok(());
            }
            (_, Long("messagepack")) => messagepack = true,
            (_, Long("ca")) => tls.ca = Some(parser.value()?.string()?),
            (_, Long("cert")) => tls.cert = Some(parser.value()?.string()?),
            (_, Long("key")) => tls.key = Some(parser.value()?.string()?),
            (_, Long("tls")) => tls.trust = trust(&parser.value()?.string()?)?,
            ("server" | "services-server", Long("listen")) => listen = parser.value()?.parse()?,
            ("load", Long("connections")) => options.connections = parser.value()?.parse()?,
            ("load", Long("in-flight")) => options.in_flight = parser.value()?.parse()?,
            ("load", Long("seconds")) => options.seconds = parser.value()?.parse()?,
            ("load", Long("workers")) => workers = parser.value()?.parse()?,
            ("load", Long("message-bytes")) => options.message_bytes = parser.value()?.parse()?,
            (_, Value(word)) => words.push(word.string()?),
            (_, other) => return Err(other.unexpected().into()),
        }
    }

    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if messagepack {
        run::<MessagePack>(&words, listen, tls, options, workers)
    } else {
        run::<Protobuf>(&words, listen, tls, options, workers)
    }
}

fn trust(word: &str) -> Outcome<Trust> {
    match word {
        "unverified" => Ok(Trust::Unverified),
        "public" => Ok(Trust::Public),
        "given" => Ok(Trust::Given),
        _ => Err("--tls is unverified, public or given".into()),
    }
}

fn run<W: Wire>(
    words: &[&str],
    listen: SocketAddr,
    tls: Tls,
    load: load::Options,
    workers: NonZeroUsize,
) -> Outcome {
    match *words {
        ["server"] => block_on(workers, server::run::<W>(listen, tls)),
        ["client", address, case] => {
            block_on(workers, client::run::<W>(address.parse()?, tls, case))
        }
        ["services-server"] => block_on(workers, services::server::run(listen)),
        ["services-client", address, case] => {
            block_on(workers, services::client::run(address.parse()?, case))
        }
        ["load", address] => block_on(workers, load::run::<W>(address.parse()?, tls, load)),
        _ => Err("wrong arguments, see --help".into()),
    }
}

fn block_on(workers: NonZeroUsize, main: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers.get())
        .enable_all()
        .build()?
        .block_on(main)
}

/// Writes a line at once; a reader that went away is no reason to panic.
pub fn say(line: impl Display) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
