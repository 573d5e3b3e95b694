// Connections that are idle have no slab, and share those that they have let go of.
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { type Codec, Connection, EncodeBuffer } from "@protosocket/protosocket";
import { letGo } from "../../src/streams/encode_buffer.ts";
import { ScriptedFace } from "../support/scripted_face.ts";
import { turn } from "../support/within.ts";

/** Writes, and returns what it wrote. */
function send(out: EncodeBuffer, ...bytes: number[]): Uint8Array {
  out.write(new Uint8Array(bytes));
  return out.take();
}

test("shared slabs: what a buffer lets go of is the next one's, with nothing in it", () => {
  const first = new EncodeBuffer();
  first.release(send(first, 1, 2, 3));
  const { bytes, view } = first;
  letGo(first);
  assertEquals([first.bytes.length, first.length], [0, 0]);
  const second = new EncodeBuffer();
  second.reserve(3);
  assertStrictEquals(second.bytes, bytes);
  assertStrictEquals(second.view, view);
  assertEquals([...second.bytes.subarray(0, 3)], [0, 0, 0]);
  // And the first goes on with another.
  assertEquals([...send(first, 4)], [4]);
  assert(first.bytes.buffer !== bytes.buffer);
});

test("shared slabs: not while there is something in it, or not all of it is released", () => {
  const out = new EncodeBuffer();
  const one = send(out, 1);
  const two = send(out, 2);
  const { bytes } = out;
  letGo(out);
  assertStrictEquals(out.bytes, bytes);
  out.release(one);
  letGo(out);
  assertStrictEquals(out.bytes, bytes);
  out.write(new Uint8Array([3]));
  out.release(two);
  letGo(out);
  assertStrictEquals(out.bytes, bytes);
  out.release(out.take());
  letGo(out);
  assertEquals(out.bytes.length, 0);
});

test("shared slabs: a larger one stays with its buffer", () => {
  const out = new EncodeBuffer();
  out.release(send(out, ...new Uint8Array(3000)));
  const { bytes } = out;
  letGo(out);
  assertStrictEquals(out.bytes, bytes);
  out.release(send(out, ...new Uint8Array(3000)));
  assertStrictEquals(out.bytes, bytes);
});

test("shared slabs: a buffer that has let go grows as it did at first", () => {
  const out = new EncodeBuffer();
  for (let round = 0; round < 5; round++) {
    out.release(send(out, round));
    assertEquals(out.bytes.length, 1024);
    letGo(out);
  }
  out.write(new Uint8Array(5000).fill(9));
  const taken = out.take();
  assertEquals([taken.length, taken.every((byte) => byte === 9)], [5000, true]);
});

/** A byte a message, which reserves and sends three. */
const careless: Codec<number> = {
  decoder: { decode: () => ({ kind: "incomplete", bytesNeeded: 1_000_000 }) },
  encoder: {
    encode(message, out) {
      const at = out.reserve(3);
      out.bytes[at] = message;
      out.offset += 3;
    },
  },
};

function connection(takes: "at once" | "never") {
  const face = new ScriptedFace(() => takes);
  const { sender } = new Connection<number>(face, {
    codec: careless,
    reactor: () => ({ onInboundMessage() {} }),
  });
  return { face, sender };
}

test("shared slabs: an encoder cannot send what another connection has sent", async () => {
  const [one, two] = [connection("at once"), connection("at once")];
  for (let i = 1; i <= 3; i++) {
    for (let j = 0; j < i; j++) one.sender.trySend(100 + j);
    await turn();
    two.sender.trySend(i);
    await turn();
  }
  assertEquals(two.face.chunks.map((chunk) => [...chunk]), [[1, 0, 0], [2, 0, 0], [3, 0, 0]]);
  assertEquals(one.face.chunks.map(({ length }) => length), [3, 6, 9]);
});

test("shared slabs: what a transport has not taken is nobody else's", async () => {
  const stuck = connection("never");
  stuck.sender.trySend(7);
  await turn();
  const others = Array.from({ length: 5 }, () => connection("at once"));
  for (const { sender } of others) sender.trySend(8);
  await turn();
  for (const { face } of others) assertEquals([...face.chunks[0]!], [8, 0, 0]);
  assertEquals([...stuck.face.chunks[0]!], [7, 0, 0]);
});
