// Each code of a TransportError, made once with sockets of this runtime's adapter.
import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import {
  Connection,
  duplexPair,
  TransportError,
  type TransportErrorCode,
} from "@protosocket/protosocket";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { sockets } from "../../examples/support/sockets.ts";
import { AcceptQueue } from "../../src/adapters/base/_accept_queue.ts";
import { directory, toReach } from "../conformance/sockets.ts";
import { runtime } from "../support/runtime.ts";
import { deferred, soon } from "../support/within.ts";
import { errorOf } from "./support.ts";

const { connect, listen } = await sockets();

/** A server of plain sockets, for as long as `use` takes. */
async function withServer<T>(
  onSocket: (socket: Socket) => void,
  use: (port: number) => Promise<T>,
): Promise<T> {
  const all = new Set<Socket>();
  const server: Server = createServer((socket) => {
    all.add(socket.on("error", () => {}));
    onSocket(socket);
  });
  await soon(new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)), "a server");
  try {
    return await use((server.address() as { port: number }).port);
  } finally {
    for (const socket of all) socket.destroy();
    server.close();
  }
}

/** As who may not do all. */
async function unprivileged<T>(run: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return await run();
  process.seteuid!(65534);
  try {
    return await run();
  } finally {
    process.seteuid!(0);
  }
}

const MADE: Record<TransportErrorCode, [says: RegExp, make: () => Promise<unknown>]> = {
  refused: [/^Cannot connect to 127\.0\.0\.1:\d+: /, async () => {
    const listener = await listen({ port: 0 });
    await listener.close();
    return errorOf(connect(toReach(listener)), "a connect");
  }],
  reset: [/^The connection broke: |^The socket was closed$/, () =>
    withServer(
      (socket) => socket.on("data", () => socket.resetAndDestroy()),
      async (port) => {
        const connection = new Connection<Uint8Array>(await connect({ port }), {
          codec: lengthDelimited(),
          reactor: () => ({ onInboundMessage: () => {} }),
        });
        await connection.sender.send(Uint8Array.of(1));
        const reason = await soon(connection.closed, "the end");
        if (reason.kind !== "error") return reason;
        const hostname = "127.0.0.1";
        assertEquals(reason.error.remoteAddress, { transport: "tcp", hostname, port });
        return reason.error;
      },
    )],
  // Nobody is connected to by a broadcast.
  unreachable: [
    /^Cannot connect to 255\.255\.255\.255:9: /,
    () => errorOf(connect({ hostname: "255.255.255.255", port: 9 }), "a connect"),
  ],
  "not-found": [
    /^Cannot connect to nonexistent\.invalid:9: /,
    () => errorOf(connect({ hostname: "nonexistent.invalid", port: 9 }), "a connect"),
  ],
  "address-in-use": [/^Cannot listen on /, async () => {
    await using listener = await listen({ port: 0 });
    return await errorOf(listen(toReach(listener)), "a second listen");
  }],
  "address-unavailable": [
    /^Cannot listen on 192\.0\.2\.1:0: /,
    () => errorOf(listen({ hostname: "192.0.2.1", port: 0 }), "a listen"),
  ],
  denied: [/^Cannot connect to .*\/socket: /, async () => {
    using place = directory();
    const path = join(place.path, "socket");
    await using _listener = await listen({ path });
    chmodSync(path, 0);
    return await unprivileged(() => errorOf(connect({ path }), "a connect"));
  }],
  "timed-out": [/longer than 20 ms/, () =>
    withServer(
      () => {},
      (port) => errorOf(connect({ port, tls: { handshakeTimeout: 20 } }), "a handshake"),
    )],
  tls: [/^Cannot connect to /, () =>
    withServer(
      (socket) => socket.on("data", () => socket.write("220 Not TLS\r\n")),
      (port) => errorOf(connect({ port, tls: {} }), "a handshake"),
    )],
  "proxy-header": [/^The PROXY header was refused: there is none$/, async () => {
    const { promise, resolve } = deferred<TransportError>();
    const proxyProtocol = { trust: ["127.0.0.0/8"], onHeaderError: resolve };
    await using listener = await listen({ port: 0, proxyProtocol });
    const client = await connect(toReach(listener));
    await client.writable.getWriter().write(new TextEncoder().encode("GET / HTTP/1.1\r\n"));
    return await soon(promise, "a refusal");
  }],
  aborted: [
    /^Connecting was aborted$/,
    () => errorOf(connect({ port: 9, signal: AbortSignal.abort() }), "a connect"),
  ],
  closed: [/listener does not take/, async () => {
    const accepted = new AcceptQueue();
    accepted.close();
    const [late] = duplexPair();
    accepted.push(late);
    const error = await errorOf(late.readable.getReader().read(), "a read");
    return (error as TransportError).cause;
  }],
  unsupported: [/^This adapter needs /, async () => {
    const another = runtime === "bun"
      ? await import("@protosocket/protosocket/deno")
      : await import("@protosocket/protosocket/bun");
    return errorOf(another.connect({ port: 9 }), "a connect");
  }],
  other: [/^The transport failed: oh$/, async () => {
    const connection = new Connection<Uint8Array>({
      readable: new ReadableStream({ start: (controller) => controller.error("oh") }),
      writable: new WritableStream(),
    }, { codec: lengthDelimited(), reactor: () => ({ onInboundMessage: () => {} }) });
    const reason = await soon(connection.closed, "the end");
    return reason.kind === "error" ? reason.error : reason;
  }],
};

/** What a runtime does not tell apart. */
const TOLD_AS: Record<string, TransportErrorCode> = runtime === "bun"
  ? { unreachable: "refused" }
  : {};
const WINDOWS = process.platform === "win32" ? "Windows has other rules" : undefined;

for (const [code, [says, make]] of Object.entries(MADE)) {
  const skip = ["unreachable", "denied"].includes(code) && WINDOWS;
  test(`TransportError ${code}: names the action that failed`, { skip }, async () => {
    const error = await make();
    assertInstanceOf(error, TransportError);
    assertEquals(error.code, TOLD_AS[code] ?? code, error.message);
    assertMatch(error.message, says);
  });
}
