//! One message to all who have subscribed.

use std::sync::OnceLock;

use futures::{future, stream, Stream, StreamExt};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use crate::messages::{EchoRequest, EchoStream, Kind, Response};

static HUB: OnceLock<broadcast::Sender<EchoRequest>> = OnceLock::new();

/// From now on, what is echoed is also sent to all subscribers, and streams are subscriptions.
pub fn open() {
    HUB.get_or_init(|| broadcast::channel(64).0);
}

/// Sends it to all subscribers, if there is a hub.
pub fn publish(body: &EchoRequest) {
    if let Some(hub) = HUB.get() {
        // It fails only if there are none.
        let _ = hub.send(body.clone());
    }
}

/// All that is published from now on, after a first item; nothing if there is no hub.
pub fn subscribe(request_id: u64) -> Option<impl Stream<Item = Response> + Send> {
    let published = BroadcastStream::new(HUB.get()?.subscribe());
    let published = published.filter_map(|body| future::ready(body.ok()));
    let first = stream::once(future::ready(EchoRequest::default()));
    let items = first.chain(published).enumerate();
    Some(items.map(move |(sequence, EchoRequest { message, nanotime })| Response {
        request_id,
        kind: Some(Kind::Stream(EchoStream {
            message,
            nanotime,
            sequence: sequence as u64,
        })),
        ..Default::default()
    }))
}
