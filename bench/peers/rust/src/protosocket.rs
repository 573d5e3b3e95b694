//! The rows of the Rust crates protosocket.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{ready, Context, Poll};

use futures::future::{self, Ready};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use protosocket::{PooledEncoder, SocketListener, SocketResult};
use protosocket_prost::{ProstDecoder, ProstSerializer};
use protosocket_rpc::client::{connect, Configuration, RpcClient, TcpStreamConnector};
use protosocket_rpc::server::{ConnectionService, RpcKind, SocketRpcServer, SocketService};
use protosocket_rpc::Error;
use tokio::net::{TcpListener, TcpStream};

use crate::load::Caller;
use crate::messages::{echo, items, Request, Response, ResponseBehavior};
use crate::{hub, listening, Outcome};

const MAX_BUFFER: usize = 64 << 20;
/// By how much a receive buffer grows, unless it is chosen.
pub const BUFFER_STEP: usize = 1 << 20;
/// The same, of a client.
pub static STEP: AtomicUsize = AtomicUsize::new(BUFFER_STEP);
const MAX_QUEUED: usize = 512;

pub async fn serve(step: usize) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let server = SocketRpcServer::new(
        Listener(listener),
        Service,
        MAX_BUFFER,
        step,
        MAX_QUEUED,
    )?;
    listening(port);
    Ok(server.await?)
}

/// The crate's own listener cannot tell which port it got for port 0.
struct Listener(TcpListener);

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

struct Service;

type ServerCodec = (
    PooledEncoder<ProstSerializer<Response>>,
    ProstDecoder<Request>,
);

impl SocketService for Service {
    type ConnectionService = Echo;
    type SocketListener = Listener;

    fn codec(&mut self) -> ServerCodec {
        let encoder = PooledEncoder::new_with_pool_size(64, ProstSerializer::default());
        (encoder, ProstDecoder::default())
    }

    fn new_stream_service(&mut self, _stream: &TcpStream) -> Echo {
        Echo
    }
}

struct Echo;

impl ConnectionService for Echo {
    type Codec = ServerCodec;
    type Request = Request;
    type Response = Response;
    type UnaryFutureType = Ready<Response>;
    type StreamType = BoxStream<'static, Response>;

    fn new_rpc(&mut self, request: Request) -> RpcKind<Ready<Response>, Self::StreamType> {
        let id = request.request_id;
        let behavior = request.response_behavior();
        match (request.body, behavior) {
            (None, _) => RpcKind::Cancelled,
            (Some(body), ResponseBehavior::Unary) => {
                hub::publish(&body);
                RpcKind::Unary(future::ready(echo(id, body)))
            }
            (Some(body), ResponseBehavior::Stream) => RpcKind::Streaming(match hub::subscribe(id) {
                Some(items) => items.boxed(),
                None => stream::iter(items(id, body)).boxed(),
            }),
        }
    }
}

#[derive(Clone)]
pub struct Client(RpcClient<Request, Response>);

static LAST_ID: AtomicU64 = AtomicU64::new(0);

impl Caller for Client {
    async fn connect(port: u16) -> Outcome<Self> {
        let mut configuration = Configuration::new(TcpStreamConnector);
        configuration.max_queued_outbound_messages(64);
        configuration.max_buffer_length(MAX_BUFFER);
        configuration.buffer_allocation_increment(STEP.load(Relaxed));
        type Codec = (
            PooledEncoder<ProstSerializer<Request>>,
            ProstDecoder<Response>,
        );
        let address = ([127, 0, 0, 1], port).into();
        let (rpc, connection) = connect::<Codec, _>(address, &configuration).await?;
        tokio::spawn(connection);
        Ok(Self(rpc))
    }

    async fn unary(&self, request: Request) -> Outcome<Response> {
        Ok(self.0.send_unary(request)?.await?)
    }

    async fn items(
        &self,
        request: Request,
    ) -> Outcome<impl Stream<Item = Outcome<Response>> + Send + Unpin> {
        let items = self.0.send_streaming(request)?;
        Ok(items
            .take_while(|item| future::ready(!matches!(item, Err(Error::Finished))))
            .map(|item| Ok(item?)))
    }

    async fn chat(
        &self,
        _requests: Vec<Request>,
    ) -> Outcome<impl Stream<Item = Outcome<Response>> + Send + Unpin> {
        Err::<stream::Empty<_>, _>("the crates have no streams of requests".into())
    }

    fn next_id() -> u64 {
        LAST_ID.fetch_add(1, Relaxed) + 1
    }
}
