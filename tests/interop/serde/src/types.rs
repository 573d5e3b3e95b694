//! The forms: for each a Rust type, and how random values of it are made.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use prost::Message;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::Value;

use crate::random::Rng;

pub struct Form {
    pub name: &'static str,
    /// Makes a value and encodes it.
    pub make: Box<dyn Fn(&mut Rng) -> Vec<u8>>,
    /// Decodes a value and encodes it again.
    pub again: Box<dyn Fn(&[u8]) -> Result<Vec<u8>, String>>,
}

type Encode<T> = fn(&T) -> Result<Vec<u8>, rmp_serde::encode::Error>;

fn encoded<T: Serialize + DeserializeOwned + 'static>(
    name: &'static str,
    make: fn(&mut Rng) -> T,
    encode: Encode<T>,
) -> Form {
    Form {
        name,
        make: Box::new(move |rng| encode(&make(rng)).expect("it can be encoded")),
        again: Box::new(move |bytes| {
            let value: T = rmp_serde::from_slice(bytes).map_err(|error| error.to_string())?;
            encode(&value).map_err(|error| error.to_string())
        }),
    }
}

fn form<T: Serialize + DeserializeOwned + 'static>(
    name: &'static str,
    make: fn(&mut Rng) -> T,
) -> Form {
    encoded(name, make, rmp_serde::to_vec::<T>)
}

fn named<T: Serialize + DeserializeOwned + 'static>(
    name: &'static str,
    make: fn(&mut Rng) -> T,
) -> Form {
    encoded(name, make, rmp_serde::to_vec_named::<T>)
}

fn prost<T: Message + Default + 'static>(name: &'static str, make: fn(&mut Rng) -> T) -> Form {
    Form {
        name,
        make: Box::new(move |rng| make(rng).encode_to_vec()),
        again: Box::new(|bytes| {
            let value = T::decode(bytes).map_err(|error| error.to_string())?;
            Ok(value.encode_to_vec())
        }),
    }
}

#[derive(Serialize, Deserialize)]
struct Scalars {
    a: bool,
    b: (u8, u16, u32, u64),
    c: (i8, i16, i32, i64),
    d: f32,
    e: f64,
    f: char,
    g: String,
}

fn scalars(rng: &mut Rng) -> Scalars {
    let wide = rng.wide();
    let signed = if rng.flag() { wide as i64 } else { !(wide as i64) };
    Scalars {
        a: rng.flag(),
        b: (wide as u8, wide as u16, wide as u32, wide),
        c: (signed as i8, signed as i16, signed as i32, signed),
        d: (rng.float() as f32).clamp(-1e30, 1e30),
        e: rng.float(),
        f: rng.char(),
        g: rng.text(),
    }
}

#[derive(Serialize, Deserialize)]
struct Tail {
    a: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    b: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<u32>,
}

/// Only the end may be left out.
fn tail(rng: &mut Rng) -> Tail {
    let b = rng.option(Rng::text);
    let c = if b.is_some() { rng.option(|rng| rng.wide() as u32) } else { None };
    Tail { a: rng.next() as u8, b, c }
}

/// Everywhere, where fields have names.
fn gaps(rng: &mut Rng) -> Tail {
    let c = rng.option(|rng| rng.wide() as u32);
    Tail { a: rng.next() as u8, b: rng.option(Rng::text), c }
}

fn three() -> u8 {
    3
}

#[derive(Serialize, Deserialize)]
struct Defaults {
    a: u8,
    #[serde(default = "three")]
    b: u8,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    c: Vec<String>,
}

fn defaults(rng: &mut Rng) -> Defaults {
    Defaults { a: rng.next() as u8, b: rng.next() as u8, c: rng.list(Rng::text) }
}

#[derive(Serialize, Deserialize)]
struct Point {
    x: String,
    y: String,
}

fn point(rng: &mut Rng) -> Point {
    Point { x: rng.text(), y: rng.text() }
}

#[derive(Serialize, Deserialize)]
struct Unit;

#[derive(Serialize, Deserialize)]
struct Newtype(u32);

#[derive(Serialize, Deserialize)]
enum External {
    U,
    N(u32),
    T(u8, String),
    S { a: u8, b: Option<Point> },
}

fn external(rng: &mut Rng) -> External {
    match rng.below(4) {
        0 => External::U,
        1 => External::N(rng.wide() as u32),
        2 => External::T(rng.next() as u8, rng.text()),
        _ => External::S { a: rng.next() as u8, b: rng.option(point) },
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "t")]
enum Internal {
    U,
    N(Point),
    S { a: u8, b: String },
}

fn internal(rng: &mut Rng) -> Internal {
    match rng.below(3) {
        0 => Internal::U,
        1 => Internal::N(point(rng)),
        _ => Internal::S { a: rng.next() as u8, b: rng.text() },
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    U,
    N(u32),
    T(u8, String),
    P(Point),
}

/// rmp_serde reads a variant with fields only from a map.
#[derive(Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum AdjacentNamed {
    U,
    N(u32),
    S { a: u8, b: String },
}

fn adjacent(rng: &mut Rng) -> Adjacent {
    match rng.below(4) {
        0 => Adjacent::U,
        1 => Adjacent::N(rng.wide() as u32),
        2 => Adjacent::T(rng.next() as u8, rng.text()),
        _ => Adjacent::P(point(rng)),
    }
}

fn adjacent_named(rng: &mut Rng) -> AdjacentNamed {
    match rng.below(3) {
        0 => AdjacentNamed::U,
        1 => AdjacentNamed::N(rng.wide() as u32),
        _ => AdjacentNamed::S { a: rng.next() as u8, b: rng.text() },
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    U,
    Flag(bool),
    Number(i64),
    Text(String),
    Pair(u8, String),
    List(Vec<u32>),
}

fn untagged(rng: &mut Rng) -> Untagged {
    match rng.below(6) {
        0 => Untagged::U,
        1 => Untagged::Flag(rng.flag()),
        2 => Untagged::Number(rng.wide() as i64),
        3 => Untagged::Text(rng.text()),
        4 => Untagged::Pair(rng.next() as u8, rng.text()),
        _ => Untagged::List(rng.list(|rng| rng.wide() as u32)),
    }
}

#[derive(Serialize, Deserialize)]
enum External2 {
    A,
    #[serde(other)]
    Other,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "t")]
enum Internal2 {
    A,
    #[serde(other)]
    Other,
}

#[derive(Serialize, Deserialize)]
struct Named {
    request_id: u64,
    point: Point,
    gone: Option<String>,
    kind: External,
}

fn named_value(rng: &mut Rng) -> Named {
    Named {
        request_id: rng.wide(),
        point: point(rng),
        gone: rng.option(Rng::text),
        kind: external(rng),
    }
}

#[derive(Serialize, Deserialize)]
struct Flat {
    a: u8,
    #[serde(flatten)]
    point: Point,
}

#[derive(Serialize, Deserialize)]
struct Tree {
    name: String,
    children: Vec<Tree>,
}

fn tree(rng: &mut Rng) -> Tree {
    fn within(rng: &mut Rng, depth: u64) -> Tree {
        let count = if depth == 0 { 0 } else { rng.below(4) };
        Tree { name: rng.text(), children: (0..count).map(|_| within(rng, depth - 1)).collect() }
    }
    within(rng, 4)
}

fn json(rng: &mut Rng) -> Value {
    fn within(rng: &mut Rng, depth: u64) -> Value {
        match rng.below(if depth == 0 { 5 } else { 7 }) {
            0 => Value::Null,
            1 => Value::Bool(rng.flag()),
            2 => Value::from(rng.wide()),
            3 => Value::from(rng.below(1_000_000) as f64 + 0.5),
            4 => Value::from(rng.text()),
            5 => (0..rng.below(5)).map(|_| within(rng, depth - 1)).collect(),
            _ => (0..rng.below(5)).map(|_| (rng.name(), within(rng, depth - 1))).collect(),
        }
    }
    within(rng, 3)
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "_ExtStruct")]
struct Ext((i8, ByteBuf));

fn ext(rng: &mut Rng) -> Ext {
    let length = [0, 1, 2, 3, 4, 8, 15, 16, 17, 300][rng.below(10) as usize];
    let bytes: Vec<u8> = (0..length).map(|_| rng.next() as u8).collect();
    Ext((rng.next() as i8, ByteBuf::from(bytes)))
}

fn address(rng: &mut Rng) -> IpAddr {
    if rng.flag() {
        IpAddr::V4(Ipv4Addr::from(rng.next() as u32))
    } else {
        IpAddr::V6(Ipv6Addr::from((rng.next() as u128) << 64 | rng.next() as u128))
    }
}

fn u128(rng: &mut Rng) -> u128 {
    (rng.wide() as u128) << 64 | rng.next() as u128
}

#[derive(Clone, PartialEq, prost::Message)]
struct Leaf {
    #[prost(uint32, tag = "1")]
    id: u32,
    #[prost(message, optional, boxed, tag = "2")]
    child: Option<Box<Leaf>>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeyedMaps {
    #[prost(btree_map = "int32, string", tag = "1")]
    int32: BTreeMap<i32, String>,
    #[prost(btree_map = "uint32, string", tag = "2")]
    uint32: BTreeMap<u32, String>,
    #[prost(btree_map = "uint64, string", tag = "7")]
    uint64: BTreeMap<u64, String>,
    #[prost(btree_map = "bool, string", tag = "11")]
    bool: BTreeMap<bool, String>,
    #[prost(btree_map = "string, message", tag = "12")]
    leaf: BTreeMap<String, Leaf>,
}

/// Defaults are frequent among keys and values.
fn maps(rng: &mut Rng) -> KeyedMaps {
    fn text(rng: &mut Rng) -> String {
        if rng.flag() { String::new() } else { rng.text() }
    }
    let pairs = |rng: &mut Rng| rng.list(|rng| (rng.below(8) as u32, text(rng)));
    KeyedMaps {
        int32: pairs(rng).into_iter().map(|(key, value)| (key as i32 - 4, value)).collect(),
        uint32: pairs(rng).into_iter().collect(),
        uint64: pairs(rng).into_iter().map(|(key, value)| (key as u64, value)).collect(),
        bool: pairs(rng).into_iter().map(|(key, value)| (key > 3, value)).collect(),
        leaf: rng
            .list(|rng| (text(rng), Leaf { id: 1 + rng.below(2) as u32, child: None }))
            .into_iter()
            .collect(),
    }
}

pub fn forms() -> Vec<Form> {
    vec![
        form("scalars", scalars),
        form("tail", tail),
        form("defaults", defaults),
        form("unit", |_| Unit),
        form("newtype", |rng| Newtype(rng.wide() as u32)),
        form("external", external),
        named("external-named", external),
        form("internal", internal),
        named("internal-named", internal),
        form("adjacent", adjacent),
        named("adjacent-named", adjacent_named),
        form("untagged", untagged),
        form("other", |_| External2::A),
        form("other-internal", |_| Internal2::A),
        named("named", named_value),
        named("named-gaps", gaps),
        form("flatten", |rng| Flat { a: rng.next() as u8, point: point(rng) }),
        form("tree", tree),
        form("result", |rng| if rng.flag() { Ok(()) } else { Err(rng.text()) }),
        form("nil", |_| ()),
        form("json", json),
        form("u128", u128),
        form("i128", |rng| if rng.flag() { u128(rng) as i128 } else { !(u128(rng) as i128) }),
        form("ext", ext),
        form("fixed-array", |rng| [rng.wide() as u16, rng.wide() as u16, rng.wide() as u16]),
        form("byte-array", Rng::bytes),
        form("bytes", |rng| ByteBuf::from(rng.bytes())),
        form("map-text", |rng| -> BTreeMap<String, u64> {
            rng.list(|rng| (rng.text(), rng.wide())).into_iter().collect()
        }),
        form("map-number", |rng| -> BTreeMap<i32, Option<bool>> {
            rng.list(|rng| (rng.next() as i32, rng.option(Rng::flag))).into_iter().collect()
        }),
        form("duration", |rng| Duration::new(rng.wide(), rng.below(1_000_000_000) as u32)),
        form("time", |rng| {
            SystemTime::UNIX_EPOCH + Duration::new(rng.below(1 << 40), rng.below(1000) as u32)
        }),
        form("address", address),
        prost("prost-maps", maps),
    ]
}
