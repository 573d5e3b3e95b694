// Connecting: options are honoured or refused, and failures have a code.
import { codeOf, type Failure } from "../support/code_of.ts";
import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { TransportError } from "../../mod.ts";
import {
  type AcceptOptions,
  acceptWebSocket,
  connect,
  type ConnectOptions,
} from "../../src/adapters/websocket.ts";
import { accept } from "../conformance/sockets.ts";
import { End } from "../support/end.ts";
import { soon } from "../support/within.ts";
import { FakeSocket } from "./fake_socket.ts";
import { listenWebSocket, webSocket } from "./support.ts";

async function fails(connecting: Promise<unknown>, code: Failure) {
  const error = await soon(assertRejects(() => connecting), `a failure, ${code}`);
  assertInstanceOf(error, Error);
  assertEquals(codeOf(error), code, error.message);
  return error;
}

async function listening() {
  const listener = await listenWebSocket({ port: 0 });
  const { port } = listener.address as { port: number };
  return {
    listener,
    url: `ws://127.0.0.1:${port}/rpc`,
    async [Symbol.asyncDispose]() {
      await listener.close();
    },
  };
}

test("websocket connect: a URL that is not a WebSocket's is refused", async () => {
  for (const url of ["nowhere", "ftp://localhost/", "", "ws://[/"]) {
    await fails(connect(url, { webSocket }), "wrong-option");
  }
});

test("websocket connect: bad bounds and subprotocols are refused", async () => {
  const bad = [{ maxFrameBytes: 0 }, { maxBufferedBytes: 65535 }, { maxUnsentBytes: 1.5 }];
  for (const options of bad) {
    await fails(connect("ws://127.0.0.1:9", { webSocket, ...options }), "wrong-option");
    assertThrows(() => acceptWebSocket(new FakeSocket(), options), RangeError);
  }
  const odd = [{ halfClose: "no" }, { halfClose: null }, { protocols: "other" }, {
    protocols: null,
  }];
  for (const options of [...odd, { webSocket: "ws" }, { webSocket: null }]) {
    const given = { webSocket, ...options } as unknown as ConnectOptions;
    await fails(connect("ws://127.0.0.1:9", given), "wrong-option");
  }
  for (const halfClose of ["no", null]) {
    const options = { halfClose } as unknown as AcceptOptions;
    assertThrows(() => acceptWebSocket(new FakeSocket(), options), TypeError, "halfClose");
  }
  const twice = { webSocket, protocols: ["protosocket"] };
  await fails(connect("ws://127.0.0.1:9", { ...twice, protocols: ["a b"] }), "wrong-option");
});

test("websocket connect: fails with a cause if nothing listens", async () => {
  const gone = await listening();
  await gone.listener.close();
  const error = await assertRejects(() => connect(gone.url, { webSocket }), TransportError);
  assertEquals(["refused", "other"].includes(error.code), true, error.code);
});

test("websocket connect: a signal aborts it, before and meanwhile, and has no effect afterwards", async () => {
  await using place = await listening();
  const reason = new Error("too late");
  const early = connect(place.url, { webSocket, signal: AbortSignal.abort(reason) });
  assertEquals((await fails(early, "aborted")).cause, reason);
  const controller = new AbortController();
  const connecting = connect(place.url, { webSocket, signal: controller.signal });
  controller.abort(reason);
  assertEquals((await fails(connecting, "aborted")).cause, reason);
  const later = new AbortController();
  const client = new End(await connect(place.url, { webSocket, signal: later.signal }));
  later.abort();
  await client.write(new Uint8Array([1]));
  client.drop();
});

test("websocket connect: without halfClose an end closes all, and comes after the bytes", async () => {
  await using place = await listening();
  const [client, server] = (await Promise.all([
    connect(place.url, { webSocket, halfClose: false }),
    accept(place.listener),
  ])).map((duplex) => new End(duplex));
  const read = server!.readAll();
  await client!.write(new Uint8Array([1, 2, 3]));
  await client!.close();
  assertEquals(await read, new Uint8Array([1, 2, 3]));
  assertEquals(await client!.readAll(), new Uint8Array(0));
  await server!.close();
});
