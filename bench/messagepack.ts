// What decoding and encoding a struct of ten fields costs with ./messagepack, and with two
// libraries for MessagePack that take any value: msgpackr, with the record structures that make
// it fast between ends of its own, and as arrays, which is what Rust writes; and
// @msgpack/msgpack, as maps and as arrays. None of theirs checks a type, or names the fields of
// an array.
//
//   deno run -A bench/messagepack.ts      bun bench/messagepack.ts      npx tsx bench/messagepack.ts
//
// Prints nanoseconds a message, the best of the rounds, in turns.
import { Decoder, Encoder } from "@msgpack/msgpack";
import { EncodeBuffer } from "@protosocket/protosocket";
import {
  bool,
  f64,
  i32,
  messagePack,
  option,
  string,
  struct,
  u32,
  u64,
  u8,
} from "@protosocket/protosocket/messagepack";
import { Packr } from "msgpackr";
import { compare, type Way } from "./in_turns.ts";

const BATCH = 64;
const ROUNDS = 150;

const ten = struct("Ten", {
  id: u64,
  name: string,
  active: bool,
  score: f64,
  count: u32,
  delta: i32,
  level: u8,
  city: string,
  nick: option(string),
  created: u64,
}, { compile: Function });
const values = Array.from({ length: BATCH }, (_, i) => ({
  id: 1_000_000 + i,
  name: `user ${i}`,
  active: i % 2 === 0,
  score: i + 0.5,
  count: 70_000 + i,
  delta: -i * 100,
  level: i,
  city: "Hamburg",
  nick: i % 3 === 0 ? undefined : "nick",
  created: 1_700_000_000 + i,
}));
type Value = typeof values[number];

let sink: unknown;

function ours(): Way {
  const codec = messagePack(ten, ten);
  const out = new EncodeBuffer();
  const batch = () => {
    for (const value of values) codec.encoder.encode(value, out);
    return out.take();
  };
  const sent = batch().slice();
  return {
    name: "./messagepack, framed",
    encode: () => out.release(batch()),
    decode() {
      for (let at = 0; at < sent.length;) {
        const result = codec.decoder.decode(sent, at);
        if (result.kind !== "message") throw new Error(result.kind);
        sink = result.message;
        at += result.bytesUsed;
      }
    },
  };
}

function theirs<Form>(
  name: string,
  form: (value: Value) => Form,
  encode: (value: Form) => Uint8Array,
  decode: (bytes: Uint8Array) => unknown,
): Way {
  const forms = values.map(form);
  const sent = forms.map((value) => encode(value).slice());
  return {
    name,
    encode() {
      for (const value of forms) sink = encode(value);
    },
    decode() {
      for (const bytes of sent) sink = decode(bytes);
    },
  };
}

const asObject = (value: Value) => value;
const asArray = (value: Value) => Object.values(value);
const records = new Packr({ structures: [] });
const plain = new Packr({ useRecords: false });
const [encoder, decoder] = [new Encoder(), new Decoder()];
const ways = [
  ours(),
  theirs("msgpackr, records", asObject, (v) => records.pack(v), (b) => records.unpack(b)),
  theirs("msgpackr, maps", asObject, (v) => plain.pack(v), (b) => plain.unpack(b)),
  theirs("msgpackr, arrays", asArray, (v) => plain.pack(v), (b) => plain.unpack(b)),
  theirs("@msgpack/msgpack, maps", asObject, (v) => encoder.encode(v), (b) => decoder.decode(b)),
  theirs("@msgpack/msgpack, arrays", asArray, (v) => encoder.encode(v), (b) => decoder.decode(b)),
];

compare(ways, BATCH, ROUNDS);
if (sink === undefined) throw new Error("Nothing was decoded");
