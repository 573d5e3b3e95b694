//! Typed services, written by hand on the crates: the envelope of protosocket.rpc.v1, a
//! server and a client of the example service prices.v1.Prices.

pub mod client;
mod envelope;
mod prices;
pub mod server;
