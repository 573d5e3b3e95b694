// Peers that do not answer, or tell their end twice: what a WebSocket holds is given back.
import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { connect as connectTcp, type Socket } from "node:net";
import { test } from "node:test";
// @ts-types="@types/ws"
import { WebSocket as WsWebSocket } from "ws";
import type { Listener, SocketDuplex, TransportError } from "../../mod.ts";
import { connect } from "../../src/adapters/websocket.ts";
import { accept } from "../conformance/sockets.ts";
import { End } from "../support/end.ts";
import { runtime } from "../support/runtime.ts";
import { outcome, soon, until, within } from "../support/within.ts";
import { dialWebSocket, listenWebSocket, webSocket } from "./support.ts";

/** How many bytes a frame has, and what its head says of it; a mask of nothing changes nothing. */
const FRAME = 40_000;
const LENGTH = [FRAME >> 8, FRAME & 255];
const NO_MASK = [0, 0, 0, 0];

test("websocket: a peer that does not answer the close after both ends is broken off", {
  skip: runtime === "deno" ? "Deno cannot break off a WebSocket" : false,
}, async () => {
  await using listener = await listenWebSocket({ port: 0 });
  const socket = upgrade(listener).resume();
  const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const end = new End(await accept(listener));
  await end.close();
  await end.reader.cancel();
  // The platforms' own limit is 30 seconds.
  await within(20_000, gone, "the end of the socket");
});

test("websocket listen: a reset while nobody reads is noticed", async () => {
  await using listener = await listenWebSocket({ port: 0 });
  const socket = upgrade(listener);
  const duplex = await accept(listener);
  await resetUnread(socket, duplex, [0x82, 0xfe, ...LENGTH, ...NO_MASK]);
});

test("websocket connect: a reset while nobody reads is noticed", async () => {
  const server = createServer().on("error", () => {});
  const upgraded = new Promise<Socket>((resolve) => {
    server.on("upgrade", (request, socket) => {
      const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash("sha1").update(key).digest("base64");
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n" +
          `sec-websocket-protocol: protosocket\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
      );
      resolve(socket.on("error", () => {}) as Socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as { port: number };
    // `ws` can be paused, and need not hear of it. Over Deno's node:http it does not.
    const used = runtime === "deno" ? webSocket : WsWebSocket;
    const connecting = connect(`ws://127.0.0.1:${port}`, { webSocket: used });
    const socket = await soon(upgraded, "the upgrade");
    await resetUnread(socket, await soon(connecting, "a WebSocket"), [0x82, 0x7e, ...LENGTH]);
  } finally {
    server.close();
  }
});

/** Sends more than is read ahead, in frames that begin so, resets, and waits until that is noticed. */
async function resetUnread(socket: Socket, duplex: SocketDuplex, head: number[]): Promise<void> {
  const end = new End(duplex);
  const frame = new Uint8Array(head.length + FRAME);
  frame.set(head);
  for (let count = 0; count < 5; count++) socket.write(frame);
  await until(
    () => (duplex as unknown as { held: number }).held > 64 * 1024,
    () => "more than is read ahead",
  );
  socket.resetAndDestroy();
  const lost = await soon(outcome(end.writer.closed), "the reset");
  assertEquals(lost.kind === "error" && (lost.error as TransportError).code, "reset");
}

test("websocket listen: a close that the runtime tells twice counts once", {
  skip: runtime === "deno" ? false : "it is Deno that tells it twice",
}, async () => {
  const { Deno } = globalThis as unknown as {
    Deno: { upgradeWebSocket(request: Request): { socket: EventTarget } };
  };
  const { upgradeWebSocket } = Deno;
  const sockets: EventTarget[] = [];
  Deno.upgradeWebSocket = (request) => {
    const upgraded = upgradeWebSocket(request);
    sockets.push(upgraded.socket);
    return upgraded;
  };
  try {
    const listener = await listenWebSocket({ port: 0 });
    const { port } = listener.address as { port: number };
    const client = new End(await dialWebSocket(port));
    const server = new End(await accept(listener));
    const closed = new Promise((resolve) => sockets[0]!.addEventListener("close", resolve));
    await client.abort();
    await server.broken();
    await soon(closed, "the close");
    // As Deno does after a ping that was not answered.
    sockets[0]!.dispatchEvent(new CloseEvent("close", { code: 1005 }));
    await listener.close();
    const refused = await soon(
      (async () => {
        while (!await refuses(port));
        return true;
      })(),
      "the port to be free",
    );
    assertEquals(refused, true);
  } finally {
    Deno.upgradeWebSocket = upgradeWebSocket;
  }
});

/** A connection that has asked to be a WebSocket, and speaks only if told to. */
function upgrade(listener: Listener): Socket {
  const { port } = listener.address as { port: number };
  const socket = connectTcp({ port, host: "127.0.0.1" }).on("error", () => {});
  socket.write(
    `GET / HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
      "sec-websocket-protocol: protosocket\r\n\r\n",
  );
  return socket;
}

function refuses(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp({ port, host: "127.0.0.1" });
    socket.once("connect", () => (socket.destroy(), resolve(false)));
    socket.once("error", () => resolve(true));
  });
}
