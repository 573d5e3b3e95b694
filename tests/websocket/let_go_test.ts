// Peers that do not answer, or tell their end twice: what a WebSocket holds is given back.
import { assertEquals } from "@std/assert";
import { connect as connectTcp, type Socket } from "node:net";
import { test } from "node:test";
import type { Listener, TransportError } from "../../mod.ts";
import { accept } from "../conformance/sockets.ts";
import { End } from "../support/end.ts";
import { runtime } from "../support/runtime.ts";
import { outcome, soon, until, within } from "../support/within.ts";
import { dialWebSocket, listenWebSocket } from "./support.ts";

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
  const end = new End(duplex);
  // A frame of 40,000 bytes, masked with nothing.
  const frame = new Uint8Array([
    0x82,
    0xfe,
    40_000 >> 8,
    40_000 & 255,
    ...new Array(40_004).fill(0),
  ]);
  for (let count = 0; count < 5; count++) socket.write(frame);
  await until(
    () => (duplex as unknown as { held: number }).held > 64 * 1024,
    () => "more than is read ahead",
  );
  socket.resetAndDestroy();
  const lost = await soon(outcome(end.writer.closed), "the reset");
  assertEquals(lost.kind === "error" && (lost.error as TransportError).code, "reset");
});

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
