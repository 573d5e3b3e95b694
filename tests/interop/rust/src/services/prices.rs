//! The messages of examples/services/prices.proto, as prost would generate them.

pub const GET_QUOTE: &str = "prices.v1.Prices/GetQuote";
pub const WATCH_QUOTES: &str = "prices.v1.Prices/WatchQuotes";
pub const PLACE_ORDERS: &str = "prices.v1.Prices/PlaceOrders";
pub const TRADE: &str = "prices.v1.Prices/Trade";

#[derive(Clone, PartialEq, prost::Message)]
pub struct GetQuoteRequest {
    #[prost(string, tag = "1")]
    pub symbol: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WatchQuotesRequest {
    #[prost(string, tag = "1")]
    pub symbol: String,
    #[prost(uint32, tag = "2")]
    pub count: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Quote {
    #[prost(string, tag = "1")]
    pub symbol: String,
    #[prost(double, tag = "2")]
    pub price: f64,
    #[prost(uint32, tag = "3")]
    pub sequence: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Missing {
    #[prost(string, tag = "1")]
    pub symbol: String,
}
