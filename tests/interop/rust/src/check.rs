//! Opens connections and checks what comes back on them.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures::stream::{Stream, StreamExt};
use protosocket::PooledEncoder;
use protosocket_rpc::client::{
    connect, Configuration, RpcClient, StreamConnector, TcpStreamConnector,
    UnverifiedTlsStreamConnector, WebpkiTlsStreamConnector,
};
use protosocket_rpc::Error;
use tokio::time::timeout;

use crate::messages::{Request, Response};
use crate::tls::{localhost, Tls, Trust};
use crate::wire::Wire;
use crate::{Failure, Outcome};

pub type Rpc = RpcClient<Request, Response>;
type Received = Result<Response, Error>;

/// What the crate uses unless told otherwise.
pub const DEFAULT_STEP: usize = 1 << 20;
/// How long an rpc may take before it is looked whether its connection has ended.
const LOOK: Duration = Duration::from_millis(100);

/// The step is how far a receive buffer grows at once, and so how much a read may bring.
pub async fn open<W: Wire>(address: SocketAddr, tls: &Tls, step: usize) -> Outcome<Rpc> {
    match tls.trust {
        Trust::Plain => open_with::<W, _>(address, TcpStreamConnector, step).await,
        Trust::Unverified => {
            let connector = UnverifiedTlsStreamConnector::new(localhost());
            open_with::<W, _>(address, connector, step).await
        }
        Trust::Public => {
            let connector = WebpkiTlsStreamConnector::new(localhost());
            open_with::<W, _>(address, connector, step).await
        }
        Trust::Given => open_with::<W, _>(address, tls.given()?, step).await,
    }
}

async fn open_with<W: Wire, C: StreamConnector>(
    address: SocketAddr,
    connector: C,
    step: usize,
) -> Outcome<Rpc> {
    let mut configuration = Configuration::new(connector);
    configuration.max_queued_outbound_messages(64);
    configuration.buffer_allocation_increment(step);
    type Codec<W> = (
        PooledEncoder<<W as Wire>::Out<Request>>,
        <W as Wire>::In<Response>,
    );
    let (rpc, connection) = connect::<Codec<W>, _>(address, &configuration).await?;
    tokio::spawn(connection);
    Ok(rpc)
}

/// One unary rpc from its request to its checked answer.
pub async fn echo(rpc: &Rpc, id: u64, text: impl Into<String>, nanotime: u64) -> Outcome {
    let text = text.into();
    let mut answer = pin!(rpc.send_unary(Request::unary(id, &text, nanotime))?);
    // An rpc that still waits in the crate's queue when its connection ends is never settled
    // there: so look now and then whether there is a connection.
    let mut alive = true;
    loop {
        match timeout(LOOK, &mut answer).await {
            Ok(answer) => return expect(answer, Response::echo(id, text, nanotime)),
            Err(_) if !alive => return Err(Error::ConnectionIsClosed.into()),
            Err(_) => alive = rpc.is_alive(),
        }
    }
}

/// The next item of a stream whose requests used their id as nanotime.
pub async fn item<S>(stream: &mut S, id: u64, text: impl Into<String>, sequence: u64) -> Outcome
where
    S: Stream<Item = Received> + Unpin,
{
    let item = stream.next().await.ok_or("a stream ended without Finished");
    expect(item?, Response::item(id, text.into(), id, sequence))
}

pub async fn finished<S>(stream: &mut S) -> Outcome
where
    S: Stream<Item = Received> + Unpin,
{
    match stream.next().await {
        None | Some(Err(Error::Finished)) => Ok(()),
        other => Err(mismatch(&other, "the end of a stream")),
    }
}

pub fn expect(got: Received, wanted: Response) -> Outcome {
    match got {
        Ok(got) if got == wanted => Ok(()),
        other => Err(mismatch(&other, &format!("{wanted:?}"))),
    }
}

/// Cut short, as a message may be megabytes long.
pub fn mismatch(got: &impl Debug, wanted: &str) -> Failure {
    let got = format!("{got:?}");
    format!("wanted {wanted:.300}, got {got:.300}").into()
}
