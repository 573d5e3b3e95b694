//! The rows of tonic: gRPC over HTTP/2.

use std::pin::Pin;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic::Status;

use crate::load::Caller;
use crate::messages::{echo, items, EchoRequest, Request, Response};
use crate::{hub, listening, Outcome};

mod generated {
    include!(concat!(env!("OUT_DIR"), "/protosocket.examples.Echo.rs"));
}
use generated::{echo_client::EchoClient, echo_server};

const MAX_MESSAGE: usize = 64 << 20;

pub async fn serve() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    listening(listener.local_addr()?.port());
    let service = echo_server::EchoServer::new(Service)
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    Server::builder()
        .add_service(service)
        .serve_with_incoming(TcpListenerStream::new(listener).map(|stream| {
            let stream = stream?;
            stream.set_nodelay(true)?;
            std::io::Result::Ok(stream)
        }))
        .await?;
    Ok(())
}

struct Service;

fn body(request: Request) -> Result<EchoRequest, Status> {
    request
        .body
        .ok_or_else(|| Status::invalid_argument("a request without a body"))
}

#[tonic::async_trait]
impl echo_server::Echo for Service {
    type ItemsStream = BoxStream<'static, Result<Response, Status>>;
    type ChatStream = BoxStream<'static, Result<Response, Status>>;

    async fn unary(
        &self,
        request: tonic::Request<Request>,
    ) -> Result<tonic::Response<Response>, Status> {
        let request = request.into_inner();
        let id = request.request_id;
        let body = body(request)?;
        hub::publish(&body);
        Ok(tonic::Response::new(echo(id, body)))
    }

    async fn items(
        &self,
        request: tonic::Request<Request>,
    ) -> Result<tonic::Response<Self::ItemsStream>, Status> {
        let request = request.into_inner();
        let id = request.request_id;
        let items = match hub::subscribe(id) {
            Some(items) => items.map(Ok).boxed(),
            None => stream::iter(items(id, body(request)?)).map(Ok).boxed(),
        };
        Ok(tonic::Response::new(items))
    }

    async fn chat(
        &self,
        requests: tonic::Request<tonic::Streaming<Request>>,
    ) -> Result<tonic::Response<Self::ChatStream>, Status> {
        let answers = requests.into_inner().map(answer).boxed();
        Ok(tonic::Response::new(answers))
    }
}

/// The answer to one request of a stream.
fn answer(request: Result<Request, Status>) -> Result<Response, Status> {
    let request = request?;
    Ok(echo(request.request_id, body(request)?))
}

#[derive(Clone)]
pub struct Client(EchoClient<Channel>);

impl Caller for Client {
    async fn connect(port: u16) -> Outcome<Self> {
        let channel = Channel::from_shared(format!("http://127.0.0.1:{port}"))?
            .tcp_nodelay(true)
            .connect()
            .await?;
        let client = EchoClient::new(channel)
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE);
        Ok(Self(client))
    }

    async fn unary(&self, request: Request) -> Outcome<Response> {
        Ok(self.0.clone().unary(request).await?.into_inner())
    }

    async fn items(
        &self,
        request: Request,
    ) -> Outcome<impl Stream<Item = Outcome<Response>> + Send + Unpin> {
        let items = self.0.clone().items(request).await?.into_inner();
        let items: Pin<Box<dyn Stream<Item = _> + Send>> =
            Box::pin(items.map(|item| item.map_err(Into::into)));
        Ok(items)
    }

    async fn chat(
        &self,
        requests: Vec<Request>,
    ) -> Outcome<impl Stream<Item = Outcome<Response>> + Send + Unpin> {
        let answers = self.0.clone().chat(stream::iter(requests)).await?;
        let answers: Pin<Box<dyn Stream<Item = _> + Send>> =
            Box::pin(answers.into_inner().map(|answer| answer.map_err(Into::into)));
        Ok(answers)
    }

    fn next_id() -> u64 {
        0
    }
}
