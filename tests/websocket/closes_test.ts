// How a WebSocket ends, and what each code becomes.
import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { test } from "node:test";
import { TransportError } from "../../mod.ts";
import { acceptWebSocket } from "../../src/adapters/websocket.ts";
import { End } from "../support/end.ts";
import { countTimers } from "../support/count_timers.ts";
import { outcome, soon, turn } from "../support/within.ts";
import { FakeSocket } from "./fake_socket.ts";

function open(options: Parameters<typeof acceptWebSocket>[1] = {}) {
  const socket = new FakeSocket();
  return { socket, end: new End(acceptWebSocket(socket, options)) };
}

for (const code of [1000, 1001, 1005]) {
  test(`websocket: code ${code} is an end in order, after what came before it`, async () => {
    const { socket, end } = open();
    socket.message(new Uint8Array([1, 2]));
    socket.closed(code);
    assertEquals(await end.readAll(), new Uint8Array([1, 2]));
    const write = await outcome(end.writer.write(new Uint8Array(1)));
    assert(write.kind === "error");
    assertEquals((write.error as TransportError).code, "reset");
  });
}

for (
  const [code, reason] of [[1002, ""], [1006, ""], [1011, "sorry"], [4000, "aborted"]] as const
) {
  test(`websocket: code ${code} is a reset, and the cause tells it`, async () => {
    const { socket, end } = open();
    socket.closed(code, reason);
    const error = await end.broken();
    assertEquals(error.code, "reset");
    assertEquals(error.cause, { code, reason });
    if (code !== 1006) assertMatch(error.message, new RegExp(`${code}.*${reason}`));
    assertInstanceOf(await end.writer.closed.catch((error) => error), TransportError);
  });
}

test("websocket: text is refused", async () => {
  const { socket, end } = open();
  socket.message("hello");
  assertMatch((await end.broken()).message, /text/);
  assertEquals(socket.codes, [4003]);
});

test("websocket: a message beyond maxFrameBytes is refused, one as long as that is not", async () => {
  const { socket, end } = open({ maxFrameBytes: 10 });
  socket.message(new Uint8Array(10));
  assertEquals((await end.readExactly(10)).length, 10);
  socket.message(new Uint8Array(11));
  assertMatch((await end.broken()).message, /11 bytes.*maxFrameBytes is 10/);
  assertEquals(socket.codes, [4009]);
});

test("websocket: with halfClose, an empty message ends one direction, and both ends see it", async () => {
  const { socket, end } = open({ halfClose: true });
  socket.message(new Uint8Array([1]));
  socket.message(new Uint8Array(0));
  assertEquals(await end.readAll(), new Uint8Array([1]));
  assertEquals(socket.codes, []);
  await end.write(new Uint8Array([2]));
  await end.close();
  assertEquals(socket.sent, [new Uint8Array([2]), new Uint8Array(0)]);
  assertEquals(socket.codes, [1000]);
});

test("websocket: without halfClose, an empty message is ignored, and an end closes the WebSocket", async () => {
  const { socket, end } = open();
  socket.message(new Uint8Array(0));
  socket.message(new Uint8Array([1]));
  assertEquals(await end.readExactly(1), new Uint8Array([1]));
  const closed = end.close();
  await Promise.resolve();
  assertEquals([socket.sent, socket.codes], [[], [1000]]);
  socket.closed(1000);
  await closed;
  assertEquals(await end.readAll(), new Uint8Array(0));
});

test("websocket: a close that is not answered in order fails", async () => {
  const { socket, end } = open();
  const closed = outcome(end.close());
  await Promise.resolve();
  socket.closed(1006);
  assertEquals((await soon(closed, "the close")).kind, "error");
  await end.broken();
});

test("websocket: a close that is never answered fails, and leaves no timer", async () => {
  const { socket, end } = open();
  const set = globalThis.setTimeout;
  let timeOut = () => {};
  globalThis.setTimeout = ((run: () => void, ms?: number) => {
    if (ms !== 30_000) return set(run, ms);
    timeOut = run;
    return set(() => {});
  }) as typeof setTimeout;
  try {
    const closed = outcome(end.close());
    await turn();
    assertEquals(socket.codes, [1000]);
    timeOut();
    const result = await soon(closed, "the close");
    assert(result.kind === "error");
    assertEquals((result.error as TransportError).code, "timed-out");
    assertEquals((await end.broken()).code, "timed-out");
  } finally {
    globalThis.setTimeout = set;
  }
  const answered = await countTimers(async () => {
    const { socket, end } = open();
    const closed = end.close();
    await turn();
    socket.closed(1000);
    await closed;
  });
  assertEquals(answered.left, []);
});

test("websocket: an abort breaks off with a code of its own, at once", async () => {
  const { socket, end } = open();
  await end.abort("enough");
  assertEquals(socket.codes, [4000]);
  const error = await end.broken();
  assertEquals([error.code, error.cause], ["aborted", "enough"]);
});

test("websocket: a WebSocket that closed before it was accepted is a reset", async () => {
  const socket = new FakeSocket();
  socket.readyState = 3;
  const end = new End(acceptWebSocket(socket));
  assertEquals((await end.broken()).code, "reset");
});
