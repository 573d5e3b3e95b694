// Everything that is buffered is bounded.
import { assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { acceptWebSocket } from "../../src/adapters/websocket.ts";
import { End } from "../support/end.ts";
import { outcome, soon, turn } from "../support/within.ts";
import { FakeSocket } from "./fake_socket.ts";

const KIB = 1024;

for (const size of [1, KIB, 60 * KIB]) {
  test(`websocket: unread data is buffered up to maxBufferedBytes, messages of ${size} bytes`, async () => {
    const socket = new FakeSocket();
    const end = new End(acceptWebSocket(socket, { maxBufferedBytes: 256 * KIB }));
    // A message costs more memory than its bytes.
    const most = Math.ceil((256 * KIB) / (size + 512));
    let messages = 0;
    for (; socket.codes.length === 0 && messages <= most; messages++) {
      socket.message(new Uint8Array(size));
    }
    assertEquals(messages - 1, most - (size > KIB ? 1 : 0));
    assertEquals(socket.codes, [4009]);
    assertMatch((await end.broken()).message, /maxBufferedBytes is 262144/);
  });
}

test("websocket: messages without bytes are not held", async () => {
  const socket = new FakeSocket();
  const end = new End(acceptWebSocket(socket, { maxBufferedBytes: 64 * KIB }));
  for (let count = 0; count < 1000; count++) socket.message(new Uint8Array(0));
  socket.message(new Uint8Array([1]));
  assertEquals(await end.readExactly(1), new Uint8Array([1]));
});

test("websocket: a reader that is always behind by less than the bound is never cut off", async () => {
  const socket = new FakeSocket();
  const end = new End(acceptWebSocket(socket, { maxBufferedBytes: 256 * KIB }));
  socket.message(new Uint8Array(100 * KIB));
  for (let round = 0; round < 20; round++) {
    socket.message(new Uint8Array(100 * KIB));
    await end.reader.read();
  }
  assertEquals(socket.codes, []);
  end.drop();
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
