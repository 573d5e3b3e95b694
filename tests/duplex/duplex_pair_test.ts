import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { duplexPair, type DuplexPairOptions, TransportError } from "../../mod.ts";
import { assertSameBytes, randomBytes } from "../support/bytes.ts";
import { End } from "../support/end.ts";
import { outcome, soon, turn } from "../support/within.ts";

/** Sends bytes one way and returns the chunks that arrived. */
async function send(options: DuplexPairOptions, bytes: Uint8Array): Promise<Uint8Array[]> {
  const [{ writable }, { readable }] = duplexPair(options);
  const writer = writable.getWriter();
  const sent = Promise.all([writer.write(bytes), writer.close()]);
  const chunks: Uint8Array[] = [];
  const reader = readable.getReader();
  for (;;) {
    const { done, value } = await soon(reader.read(), "a chunk");
    if (done) break;
    chunks.push(value);
  }
  await sent;
  return chunks;
}

test("duplexPair: chunkSize cuts", async () => {
  const chunks = await send({ chunkSize: 3 }, new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]));
  assertEquals(chunks.map(({ length }) => length), [3, 3, 2]);
});

test("duplexPair: a chunkSize that is a function is asked for each chunk", async () => {
  let size = 0;
  const chunks = await send({ chunkSize: () => ++size }, randomBytes(10));
  assertEquals(chunks.map(({ length }) => length), [1, 2, 3, 4]);
});

test("duplexPair: without options a small write is one chunk", async () => {
  assertEquals((await send({}, randomBytes(65536))).length, 1);
});

test("duplexPair: bytes are copied", async () => {
  const bytes = new Uint8Array([1]);
  const [chunk] = await send({}, bytes);
  bytes[0] = 2;
  assertEquals(chunk, new Uint8Array([1]));
});

test("duplexPair: capacity bounds each direction on its own", async () => {
  const [a, b] = duplexPair({ capacity: 10, chunkSize: 1 });
  for (const { writable } of [a, b]) {
    const writer = writable.getWriter();
    await soon(writer.write(new Uint8Array(10)), "a write that fits");
    let settled = false;
    writer.write(new Uint8Array(1)).then(() => settled = true, () => {});
    for (let count = 0; count < 10; count++) await turn();
    assertEquals(settled, false, "the eleventh byte was taken");
  }
  for (const { readable } of [a, b]) await soon(readable.getReader().read(), "a byte");
});

test("duplexPair: delay is asked for each chunk", async () => {
  let asked = 0;
  const bytes = randomBytes(4);
  const chunks = await send({ chunkSize: 1, delay: () => ++asked }, bytes);
  assertSameBytes(new Uint8Array(chunks.map(([byte]) => byte!)), bytes);
  assertEquals(asked, 4);
});

test("duplexPair: what is delayed is not there yet", async () => {
  const [a, b] = duplexPair({ delay: 2 ** 31 - 1 });
  const writer = a.writable.getWriter();
  const write = outcome(writer.write(new Uint8Array(1)));
  let arrived = false;
  const read = outcome(b.readable.getReader().read().finally(() => arrived = true));
  for (let count = 0; count < 10; count++) await turn();
  assertEquals(arrived, false);
  await soon(Promise.all([writer.abort(), write, read]), "the abort");
});

test("duplexPair: an abort does not wait for the delay", async () => {
  const [a, b] = duplexPair({ delay: 2 ** 31 - 1 });
  const writer = a.writable.getWriter();
  const write = outcome(writer.write(new Uint8Array(1)));
  await turn();
  await soon(writer.abort(), "the abort");
  assertEquals((await soon(write, "the write")).kind, "error");
  assertEquals((await new End(b).broken()).code, "reset");
});

test("duplexPair: what is sent to a reader that has cancelled is dropped", async () => {
  const [a, b] = duplexPair({ capacity: 1 });
  const writer = a.writable.getWriter();
  const writes = Promise.all([writer.write(new Uint8Array(1)), writer.write(new Uint8Array(1))]);
  await b.readable.cancel();
  await soon(writes, "the write that waited");
});

test("duplexPair: an end that reads no more and closes resets the writer", async () => {
  const [a, b] = duplexPair({ capacity: 1 });
  await b.readable.cancel();
  await b.writable.close();
  const write = await soon(outcome(a.writable.getWriter().write(new Uint8Array(1))), "the write");
  assertEquals(write.kind, "error");
  const { error } = write as { error: unknown };
  assertInstanceOf(error, TransportError);
  assertEquals(error.code, "reset");
});

test("duplexPair: options out of range are refused", () => {
  const bad: [string, DuplexPairOptions][] = [
    ["capacity", { capacity: 0 }],
    ["capacity", { capacity: NaN }],
    ["chunkSize", { chunkSize: 0 }],
    ["chunkSize", { chunkSize: 1.5 }],
    ["delay", { delay: -1 }],
    ["delay", { delay: Infinity }],
  ];
  for (const [name, options] of bad) {
    const error = assertThrows(() => duplexPair(options), RangeError);
    assert(error.message.startsWith(name), error.message);
  }
});

test("duplexPair: a function that returns a value out of range breaks the connection", async () => {
  const [a, b] = duplexPair({ chunkSize: () => 0 });
  const write = await soon(outcome(a.writable.getWriter().write(new Uint8Array(1))), "the write");
  assertEquals(write.kind, "error");
  assertInstanceOf((write as { error: Error }).error.cause, RangeError);
  assertEquals((await new End(b).broken()).code, "reset");
});
