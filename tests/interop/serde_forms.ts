// The schemas of the types in serde/src/types.rs, by the names of the forms there.
import {
  adjacentlyTagged,
  any,
  array,
  bool,
  byteArray,
  bytes,
  char,
  defaulted,
  extension,
  f32,
  f64,
  fixedArray,
  i128,
  i16,
  i32,
  i64,
  i8,
  internallyTagged,
  lazy,
  map,
  namedStruct,
  nil,
  option,
  optional,
  type Schema,
  string,
  struct,
  u128,
  u16,
  u32,
  u64,
  u8,
  unit,
  untagged,
  variants,
} from "@protosocket/protosocket/messagepack";

const scalars = struct("Scalars", {
  a: bool,
  b: struct("b", { u8, u16, u32, u64 }),
  c: struct("c", { i8, i16, i32, i64 }),
  d: f32,
  e: f64,
  f: char,
  g: string,
});
const tail = struct("Tail", { a: u8, b: optional(string), c: optional(u32) });
const defaults = struct("Defaults", {
  a: u8,
  b: defaulted(u8, () => 3),
  c: defaulted(array(string), () => [], ({ length }) => length === 0),
});
const point = struct("Point", { x: string, y: string });
const pointNamed = namedStruct("Point", { x: string, y: string });
const pair = struct("T", { first: u8, second: string });
const external = variants("External", {
  U: unit,
  N: u32,
  T: pair,
  S: struct("S", { a: u8, b: option(point) }),
});
const externalNamed = variants("External", {
  U: unit,
  N: u32,
  T: pair,
  S: namedStruct("S", { a: u8, b: option(pointNamed) }),
});
const S = struct("S", { a: u8, b: string });
const sNamed = namedStruct("S", { a: u8, b: string });

interface Tree {
  name: string;
  children: Tree[];
}
const tree: Schema<Tree> = struct("Tree", { name: string, children: array(lazy(() => tree)) });

export const FORMS: Readonly<Record<string, Schema<unknown>>> = {
  scalars,
  tail,
  defaults,
  unit: struct("Unit", {}),
  newtype: u32,
  external,
  "external-named": externalNamed,
  internal: internallyTagged("Internal", { U: unit, N: point, S }, { tag: "t" }),
  "internal-named": internallyTagged(
    "Internal",
    { U: unit, N: pointNamed, S: sNamed },
    { tag: "t", named: true },
  ),
  adjacent: adjacentlyTagged(
    "Adjacent",
    { U: unit, N: u32, T: pair, P: point },
    { tag: "t", content: "c" },
  ),
  "adjacent-named": adjacentlyTagged(
    "Adjacent",
    { U: unit, N: u32, S: sNamed },
    { tag: "t", content: "c", named: true },
  ),
  untagged: untagged("Untagged", {
    U: unit,
    Flag: bool,
    Number: i64,
    Text: string,
    Pair: pair,
    List: array(u32),
  }),
  other: variants("External2", { A: unit, Other: unit }, { other: "Other" }),
  "other-internal": internallyTagged(
    "Internal2",
    { A: unit, Other: unit },
    { tag: "t", other: "Other" },
  ),
  named: namedStruct("Named", {
    requestId: u64,
    point: pointNamed,
    gone: option(string),
    kind: externalNamed,
  }, { names: { requestId: "request_id" } }),
  "named-gaps": namedStruct("Tail", { a: u8, b: optional(string), c: optional(u32) }),
  flatten: namedStruct("Flat", { a: u8, x: string, y: string }),
  tree,
  result: variants("Result", { Ok: nil, Err: string }),
  nil,
  json: any,
  u128,
  i128,
  ext: extension,
  "fixed-array": fixedArray(u16, 3),
  "byte-array": byteArray,
  bytes,
  "map-text": map(string, u64),
  "map-number": map(i32, option(bool)),
  duration: struct("Duration", { seconds: u64, nanos: u32 }),
  time: struct("SystemTime", { seconds: u64, nanos: u32 }),
  address: variants("IpAddr", { V4: fixedArray(u8, 4), V6: fixedArray(u8, 16) }),
};
