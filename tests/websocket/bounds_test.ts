// Nothing is held without a bound.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { acceptWebSocket } from "../../src/adapters/websocket.ts";
import { End } from "../support/end.ts";
import { outcome, soon, turn } from "../support/within.ts";
import { FakeSocket } from "./fake_socket.ts";

const KIB = 1024;

test("websocket: what nobody reads is held up to maxBufferedBytes", async () => {
  const socket = new FakeSocket();
  const end = new End(acceptWebSocket(socket, { maxBufferedBytes: 256 * KIB }));
  let messages = 0;
  while (socket.codes.length === 0) {
    socket.message(new Uint8Array(KIB));
    assert(++messages <= 257, `${messages} KiB are held`);
  }
  assert(messages > 190, `only ${messages} KiB were held`);
  assertEquals(socket.codes, [4009]);
  assertMatch((await end.broken()).message, /maxBufferedBytes is 262144/);
});

test("websocket: a reader that keeps up is never cut off", async () => {
  const socket = new FakeSocket();
  const end = new End(acceptWebSocket(socket, { maxBufferedBytes: 256 * KIB }));
  for (let round = 0; round < 20; round++) {
    for (let count = 0; count < 128; count++) socket.message(new Uint8Array(KIB));
    assertEquals((await end.readExactly(128 * KIB)).length, 128 * KIB);
  }
  assertEquals(socket.codes, []);
});

test("websocket: a write waits while more than maxUnsentBytes are unsent", async () => {
  const socket = new FakeSocket();
  socket.stuck = true;
  const { writer } = new End(acceptWebSocket(socket, { maxUnsentBytes: 100 * KIB }));
  await soon(writer.write(new Uint8Array(64 * KIB)), "the first write");
  let written = false;
  const second = writer.write(new Uint8Array(64 * KIB)).then(() => written = true);
  for (let turns = 0; turns < 20; turns++) await turn();
  assertEquals(written, false);
  socket.bufferedAmount = 0;
  await soon(second, "the second write");
});

test("websocket: a write that waits for room ends with the WebSocket, or by an abort", async () => {
  for (const how of ["closed", "abort"] as const) {
    const socket = new FakeSocket();
    socket.stuck = true;
    const end = new End(acceptWebSocket(socket, { maxUnsentBytes: 1 }));
    const write = outcome(end.writer.write(new Uint8Array(10)));
    await turn();
    if (how === "closed") socket.closed(1006);
    else await end.abort();
    assertEquals((await soon(write, "the write")).kind, "error");
  }
});

test("websocket: a large write is sent in messages of 64 KiB, none of them empty", async () => {
  const socket = new FakeSocket();
  const end = new End(acceptWebSocket(socket));
  await end.write(new Uint8Array(0));
  await end.write(new Uint8Array(128 * KIB + 1));
  assertEquals(socket.sent.map(({ length }) => length), [64 * KIB, 64 * KIB, 1]);
});
