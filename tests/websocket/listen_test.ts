// Who may connect, and what they may send.
import { codeOf } from "../support/code_of.ts";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { concat } from "@std/bytes";
import { request } from "node:http";
import { connect as connectTcp } from "node:net";
import { test } from "node:test";
import { type Listener, TransportError } from "../../mod.ts";
import { connect } from "../../src/adapters/websocket.ts";
import type { WebSocketListenOptions } from "../../src/adapters/websocket/_listen.ts";
import type { Adapter } from "../conformance/adapter.ts";
import { standstill } from "../conformance/ends.ts";
import { accept } from "../conformance/sockets.ts";
import { End } from "../support/end.ts";
import { runtime } from "../support/runtime.ts";
import { soon, until } from "../support/within.ts";
import { dialWebSocket, listenWebSocket, webSocket } from "./support.ts";

async function listening(options: Partial<WebSocketListenOptions> = {}) {
  const listener = await listenWebSocket({ port: 0, ...options });
  const { port } = listener.address as { port: number };
  return { listener, port, [Symbol.asyncDispose]: () => listener.close() };
}

/** Headers besides the usual; undefined leaves one out. */
type Headers = Record<string, string | undefined>;

function handshake(port: number): Headers {
  return {
    host: `127.0.0.1:${port}`,
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
}

function lines(headers: Headers): string {
  return Object.entries(headers).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

/** Resolves when nothing listens on a port any more. */
async function untilFree(port: number): Promise<void> {
  for (let free = false; !free;) {
    free = await new Promise<boolean>((resolve) => {
      const socket = connectTcp({ port, host: "127.0.0.1" });
      socket.once("connect", () => (socket.destroy(), resolve(false)));
      socket.once("error", () => resolve(true));
    });
  }
}

/** The status that a request to upgrade is answered with; the socket, if it was taken or `stays`. */
async function upgrade(port: number, headers: Headers = {}, path = "/", stays = false) {
  const socket = connectTcp({ port, host: "127.0.0.1", allowHalfOpen: stays });
  socket.on("error", () => {});
  socket.write(`GET ${path} HTTP/1.1\r\n${lines({ ...handshake(port), ...headers })}\r\n`);
  const answer = await soon(
    new Promise<string>((resolve) => socket.once("data", (data) => resolve(String(data)))),
    "an answer",
  );
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
  if (status !== 101 && !stays) socket.destroy();
  return { status, socket, answer };
}

async function status(port: number, headers?: Headers, path?: string) {
  const { status, socket } = await upgrade(port, headers, path);
  socket.destroy();
  return status;
}

/** A frame of a client, masked with nothing. */
function frame(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const head = length < 126 ? [0x80 | length] : [0xfe, length >> 8, length & 255];
  return new Uint8Array([0x80 | opcode, ...head, 0, 0, 0, 0, ...payload]);
}

test("websocket listen: pages of the same host, and programs, may connect", async () => {
  await using place = await listening();
  const { port } = place;
  assertEquals(await status(port), 101);
  assertEquals(await status(port, { origin: `http://127.0.0.1:${port}` }), 101);
  assertEquals(await status(port, { origin: "http://example.com", host: "EXAMPLE.com" }), 101);
  for (const origin of ["http://example.com", `http://127.0.0.1:${port + 1}`, "null", "x"]) {
    assertEquals(await status(port, { origin }), 403, origin);
  }
});

test("websocket listen: only allowedOrigins may connect, if given", async () => {
  await using place = await listening({ allowedOrigins: ["https://example.com"] });
  const { port } = place;
  assertEquals(await status(port), 101);
  assertEquals(await status(port, { origin: "https://example.com" }), 101);
  for (const origin of ["http://example.com", `http://127.0.0.1:${port}`, "null"]) {
    assertEquals(await status(port, { origin }), 403, origin);
  }
});

test("websocket listen: another path is not found, another request is no upgrade", async () => {
  await using place = await listening({ pathname: "/rpc" });
  const { port } = place;
  assertEquals(await status(port, {}, "/rpc?x=1"), 101);
  assertEquals(await status(port, {}, "/other"), 404);
  const plain = new Promise<number | undefined>((resolve, reject) =>
    request({ port, path: "/rpc" }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject).end()
  );
  assertEquals(await soon(plain, "an answer"), 426);
});

test("websocket listen: a request that is not a handshake is refused, without affecting others", async () => {
  await using place = await listening({ pathname: "/rpc" });
  const { port } = place;
  for (const missing of ["sec-websocket-key", "upgrade"]) {
    const got = await status(port, { [missing]: undefined }, "/rpc");
    assertEquals([400, 426].includes(got), true, `${missing}: ${got}`);
  }
  for (const path of ["//[", "//x/rpc", "http://[", "/%"]) {
    const got = await status(port, {}, path);
    assertEquals([400, 404].includes(got), true, `${path}: ${got}`);
  }
  assertEquals(await status(port, {}, "/rpc"), 101);
});

test("websocket listen: a client that leaves before the response leaves nothing behind", async () => {
  const place = await listening();
  for (let count = 0; count < 3; count++) {
    const socket = connectTcp({ port: place.port, host: "127.0.0.1" });
    const closed = new Promise((resolve) => socket.on("error", () => {}).once("close", resolve));
    socket.once("connect", () => {
      socket.write(`GET / HTTP/1.1\r\n${lines(handshake(place.port))}\r\n`);
      socket.resetAndDestroy();
    });
    await soon(closed, "a client's end");
  }
  assertEquals(await status(place.port), 101);
  await place.listener.close();
  // The port is free when nothing is left.
  await soon(untilFree(place.port), "the port to be free");
});

test("websocket listen: a handshake that completes after close() is not accepted", async () => {
  const place = await listening();
  const all = lines(handshake(place.port));
  const socket = connectTcp({ port: place.port, host: "127.0.0.1" });
  const ended = new Promise<void>((resolve) => {
    let got = "";
    socket.on("error", () => {}).once("close", () => resolve());
    // Deno answers that there is no more, and keeps the connection.
    socket.on("data", (data) => / (4|5)\d\d /.test(got += data) && resolve());
  });
  // A connection that another follows has been accepted.
  socket.write(`GET / HTTP/1.1\r\n${all.slice(0, 40)}`);
  assertEquals(await status(place.port), 101);
  await place.listener.close();
  socket.write(`${all.slice(40)}\r\n`);
  await soon(ended, "the end of the late one");
  socket.destroy();
});

test("websocket listen: clients that do not complete the handshake time out, also refused ones", {
  skip: runtime === "node" ? false : "the time for a handshake is the runtime's own",
}, async () => {
  await using place = await listening();
  const set = globalThis.setTimeout;
  const times: (() => void)[] = [];
  globalThis.setTimeout = ((run: () => void, ms?: number) => {
    if (ms !== 10_000) return set(run, ms);
    times.push(run);
    return set(() => {});
  }) as typeof setTimeout;
  try {
    const silent = connectTcp({ port: place.port, host: "127.0.0.1" }).resume();
    const refused = await upgrade(place.port, { origin: "http://example.com" }, "/", true);
    assertEquals(refused.status, 403);
    const taken = await upgrade(place.port);
    const ended = new Promise((resolve) => silent.once("close", resolve));
    assertEquals(times.length, 3);
    for (const over of times.slice(0, 2)) over();
    await soon(ended, "the end of who is silent");
    // The other has heard of an end already: only a write tells it more.
    const told = () => refused.socket.destroyed || (refused.socket.write("x"), false);
    await until(told, () => "who was refused is gone");
    taken.socket.write(frame(2, new Uint8Array([7])));
    const duplex = new End(await accept(place.listener));
    assertEquals(await duplex.readExactly(1), new Uint8Array([7]));
    duplex.drop();
    taken.socket.destroy();
  } finally {
    globalThis.setTimeout = set;
  }
});

test("websocket listen: the subprotocol is negotiated if it is offered", async () => {
  await using place = await listening();
  for (const names of ["other, protosocket", "other,protosocket", "protosocket,other"]) {
    const offer = { "sec-websocket-protocol": names };
    const { answer, socket } = await upgrade(place.port, offer);
    assertMatch(answer, /^sec-websocket-protocol: protosocket\r$/im);
    socket.destroy();
  }
  const foreign = await upgrade(place.port, {});
  assertEquals(/sec-websocket-protocol/i.test(foreign.answer), false);
  foreign.socket.destroy();
});

test("websocket listen: text ends the connection, and no other", async () => {
  await using place = await listening();
  const [{ socket }, duplex] = await Promise.all([upgrade(place.port), accept(place.listener)]);
  const end = new End(duplex);
  socket.write(frame(1, new Uint8Array([104, 105])));
  assertMatch((await end.broken()).message, /text/);
  socket.destroy();
  assertEquals(await status(place.port), 101);
});

test("websocket listen: a message beyond maxFrameBytes ends the connection", async () => {
  await using place = await listening({ maxFrameBytes: 1000 });
  const [{ socket }, duplex] = await Promise.all([upgrade(place.port), accept(place.listener)]);
  const end = new End(duplex);
  socket.write(frame(2, new Uint8Array(1000)));
  assertEquals((await end.readExactly(1000)).length, 1000);
  socket.write(frame(2, new Uint8Array(1001)));
  await end.broken();
  socket.destroy();
});

for (const [size, count] of [[60_000, 1], [1, 10_000]] as const) {
  test(`websocket listen: what nobody reads is bounded, messages of ${size} bytes`, async () => {
    await using place = await listening({ maxBufferedBytes: 1024 * 1024 });
    const [{ socket }, duplex] = await Promise.all([upgrade(place.port), accept(place.listener)]);
    const end = new End(duplex);
    const bytes = concat(Array.from({ length: count }, () => frame(2, new Uint8Array(size))));
    let taken = 0;
    let cut = false;
    const lost = new Promise<void>((resolve) => {
      end.reader.closed.catch(resolve);
      socket.once("close", resolve);
    });
    lost.then(() => cut = true);
    const flood = async () => {
      for (; !cut && !socket.destroyed; taken++) {
        if (socket.write(bytes)) continue;
        await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), lost]);
      }
    };
    const flooded = flood();
    // Either the client is made to wait, or it is cut off.
    if (runtime === "node") await standstill(another(place.listener), () => taken);
    else await soon(lost, "the end of a flood");
    assertEquals(cut, runtime !== "node");
    assertEquals(taken < 1000, true, `${taken} writes were taken`);
    socket.destroy();
    await soon(flooded, "the flood");
    end.drop();
  });
}

/** Connections of the same kind, to the same listener. */
function another(listener: Listener): Adapter {
  const { port } = listener.address as { port: number };
  const open = async () => {
    const [client, server] = await Promise.all([dialWebSocket(port), accept(listener)]);
    return { client, server, close: () => Promise.resolve() };
  };
  return { name: "websocket listen", gaps: {}, open };
}

test("websocket listen: bad options are refused", async () => {
  const bad = [
    { port: -1 },
    { port: 65536 },
    { hostname: "" },
    { pathname: "rpc" },
    { pathname: "/rpc?x" },
    { maxFrameBytes: 0 },
    { allowedOrigins: ["example.com"] },
    { allowedOrigins: ["https://example.com/"] },
    ...[{ allowedOrigins: "https://example.com" }, { allowedOrigins: "" }, {
      allowedOrigins: null,
    }],
    ...[{ hostname: 1 }, { hostname: null }, { pathname: null }, { port: "9000" }],
  ] as Partial<WebSocketListenOptions>[];
  for (const options of bad) {
    const error = await assertRejects(() => listening(options));
    assertEquals(codeOf(error), "wrong-option");
  }
});

test("websocket listen: a port in use is an error", async () => {
  await using place = await listening();
  const error = await assertRejects(() => listening({ port: place.port }), TransportError);
  assertEquals(error.code, "address-in-use");
});

test("websocket listen: close() ends connections not yet taken, and the others stay open", async () => {
  const place = await listening();
  const [{ socket }, duplex] = await Promise.all([upgrade(place.port), accept(place.listener)]);
  const untaken = new End(await connect(`ws://127.0.0.1:${place.port}`, { webSocket }));
  await place.listener.close();
  await untaken.broken();
  const end = new End(duplex);
  socket.write(frame(2, new Uint8Array([7])));
  assertEquals(await end.readExactly(1), new Uint8Array([7]));
  assertEquals(await soon(place.listener[Symbol.asyncIterator]().next(), "the loop"), {
    done: true,
    value: undefined,
  });
  end.drop();
  socket.destroy();
});
