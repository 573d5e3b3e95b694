//! An echo server; messages with a special prefix make it misbehave on purpose.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::task::{ready, Context, Poll};
use std::time::Duration;

use futures::future::{self, BoxFuture};
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use protosocket::{PooledEncoder, SocketListener, SocketResult};
use protosocket_rpc::server::{ConnectionService, RpcKind, SocketRpcServer, SocketService};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::messages::{EchoRequest, Request, Response, ResponseBehavior};
use crate::tls::Tls;
use crate::wire::Wire;
use crate::{say, Outcome};

pub const MAX_BUFFER: usize = 4 << 20;
pub const BUFFER_STEP: usize = 1 << 20;
pub const MAX_QUEUED: usize = 512;

pub async fn run<W: Wire>(listen: SocketAddr, tls: Tls) -> Outcome {
    if let Some((address, listener)) = tls.listen(listen)? {
        return serve::<W, _>(address, listener).await;
    }
    let listener = TcpListener::bind(listen).await?;
    serve::<W, _>(listener.local_addr()?, Listener(listener)).await
}

async fn serve<W: Wire, L>(address: SocketAddr, listener: L) -> Outcome
where
    L: SocketListener + Unpin + 'static,
    L::Stream: Send,
{
    let service = Service::<W, L>(PhantomData);
    let server = SocketRpcServer::new(listener, service, MAX_BUFFER, BUFFER_STEP, MAX_QUEUED)?;
    // The socket already listens: whoever connects now waits in its backlog.
    say(format_args!("listening {address}"));
    Ok(server.await?)
}

/// The crate's own listener cannot tell which port it got for port 0.
pub struct Listener(pub TcpListener);

impl SocketListener for Listener {
    type Stream = TcpStream;

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<SocketResult<TcpStream>> {
        Poll::Ready(match ready!(self.0.poll_accept(context)) {
            Ok((stream, _)) => {
                // It fails only for a peer already gone, which is no reason to stop serving.
                let _ = stream.set_nodelay(true);
                SocketResult::Stream(stream)
            }
            Err(_) => SocketResult::Disconnect,
        })
    }
}

/// Whatever the listener, each connection is the same.
struct Service<W, L>(PhantomData<(W, L)>);

impl<W: Wire, L: SocketListener + 'static> SocketService for Service<W, L> {
    type ConnectionService = Echo<W>;
    type SocketListener = L;

    fn codec(&mut self) -> <Echo<W> as ConnectionService>::Codec {
        let encoder = PooledEncoder::new_with_pool_size(64, W::Out::default());
        (encoder, W::In::default())
    }

    fn new_stream_service(&mut self, _stream: &L::Stream) -> Echo<W> {
        Echo(PhantomData)
    }
}

struct Echo<W>(PhantomData<W>);

impl<W: Wire> ConnectionService for Echo<W> {
    type Codec = (PooledEncoder<W::Out<Response>>, W::In<Request>);
    type Request = Request;
    type Response = Response;
    type UnaryFutureType = BoxFuture<'static, Response>;
    type StreamType = BoxStream<'static, Response>;

    fn new_rpc(
        &mut self,
        request: Request,
    ) -> RpcKind<BoxFuture<'static, Response>, BoxStream<'static, Response>> {
        let id = request.request_id;
        let behavior = request.response_behavior();
        match (request.body, behavior) {
            (None, _) => RpcKind::Cancelled,
            (Some(body), _) if body.message.starts_with("refuse") => RpcKind::Cancelled,
            (Some(body), ResponseBehavior::Unary) => RpcKind::Unary(answer(id, body)),
            (Some(body), ResponseBehavior::Stream) => RpcKind::Streaming(items(id, body)),
        }
    }
}

fn answer(id: u64, body: EchoRequest) -> BoxFuture<'static, Response> {
    if body.message.starts_with("never") {
        let dropped = Dropped(id);
        return future::pending().inspect(move |_| drop(dropped)).boxed();
    }
    let delay = delay_of(&body.message);
    let echo = Response::echo(id, body.message, body.nanotime);
    match delay {
        Some(delay) => sleep(delay).map(|()| echo).boxed(),
        None => future::ready(echo).boxed(),
    }
}

fn delay_of(message: &str) -> Option<Duration> {
    let (millis, _text) = message.strip_prefix("delay:")?.split_once(':')?;
    millis.parse().ok().map(Duration::from_millis)
}

fn items(id: u64, body: EchoRequest) -> BoxStream<'static, Response> {
    let EchoRequest { message, nanotime } = body;
    let item = move |text, sequence| Response::item(id, text, nanotime, sequence);
    let x = move |sequence| item("x".to_owned(), sequence);

    if message.starts_with("endless") {
        let dropped = Dropped(id);
        let numbers = stream::iter(0..);
        return numbers
            .map(move |sequence| {
                let _held = &dropped;
                x(sequence)
            })
            .boxed();
    }
    let count = message.strip_prefix("exit-after:").map(str::parse);
    if let Some(Ok(count)) = count {
        return stream::iter(0..count).map(x).chain(exit_soon()).boxed();
    }
    stream::iter(message.into_bytes())
        .zip(stream::iter(0..))
        .map(move |(byte, sequence)| item(char::from(byte).to_string(), sequence))
        .boxed()
}

/// Ends the process in the middle of a stream, once its items had time to leave.
fn exit_soon() -> BoxStream<'static, Response> {
    stream::once(sleep(Duration::from_millis(20)).map(|()| std::process::exit(0))).boxed()
}

/// Tells whoever watches stdout that an rpc's work was let go.
pub struct Dropped(pub u64);

impl Drop for Dropped {
    fn drop(&mut self) {
        say(format_args!("dropped {}", self.0));
    }
}
