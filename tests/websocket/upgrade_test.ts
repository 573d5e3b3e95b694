// WebSockets inside an HTTP server that is there already, and the request that each one was.
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { createServer } from "node:http";
import { connect as connectTcp, type Socket } from "node:net";
import { test } from "node:test";
import type { Listener, SocketDuplex, TransportError } from "@protosocket/protosocket";
import { proxyHeader } from "@protosocket/protosocket/proxy-protocol";
import type { UpgradeListenerOptions } from "../../src/adapters/websocket/_listen.ts";
import { rawHeaders, Upgrade } from "../../src/adapters/websocket/_request.ts";
import { End } from "../support/end.ts";
import { runtime } from "../support/runtime.ts";
import { deferred, soon } from "../support/within.ts";
import { dialWebSocket, listenWebSocket } from "./support.ts";

interface HttpServer extends AsyncDisposable {
  readonly port: number;
  readonly sockets: Listener;
}

type Served = { addr: { port: number }; port: number };
interface Global {
  Deno: {
    serve(options: object, handler: (request: Request, info: object) => Response): Served & {
      shutdown(): Promise<void>;
    };
  };
  Bun: { serve(options: object): Served & { stop(): Promise<void> } };
}

/** An HTTP server of this runtime that says hello, and has WebSockets too. */
async function httpServer(options: UpgradeListenerOptions = {}): Promise<HttpServer> {
  const { Deno, Bun } = globalThis as unknown as Global;
  if (runtime === "deno") {
    const { upgradeListener } = await import("../../src/adapters/websocket_deno.ts");
    const sockets = upgradeListener(options);
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request, info) =>
        sockets.takes(request) ? sockets.upgrade(request, info) : new Response("hello"),
    );
    return {
      port: server.addr.port,
      sockets,
      [Symbol.asyncDispose]: async () => {
        await sockets.close();
        server.shutdown().catch(() => {});
      },
    };
  }
  if (runtime === "bun") {
    const { upgradeListener } = await import("../../src/adapters/websocket_bun.ts");
    const sockets = upgradeListener(options);
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request: Request, server: Parameters<typeof sockets.upgrade>[1]) =>
        sockets.takes(request) ? sockets.upgrade(request, server) : new Response("hello"),
      websocket: sockets.websocket,
    });
    return {
      port: server.port,
      sockets,
      [Symbol.asyncDispose]: async () => {
        await sockets.close();
        server.stop().catch(() => {});
      },
    };
  }
  const { upgradeListener } = await import("../../src/adapters/websocket_node.ts");
  const sockets = upgradeListener(options);
  const server = createServer((_request, response) => response.end("hello"));
  server.on("upgrade", (request, socket, head) => {
    if (sockets.takes(request)) sockets.upgrade(request, socket, head);
    else socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    sockets,
    [Symbol.asyncDispose]: async () => {
      await sockets.close();
      server.close();
    },
  };
}

/** Sends a request to upgrade, by hand; what comes before is what a proxy sends. */
async function ask(port: number, path: string, headers: string[], before?: Uint8Array) {
  const socket: Socket = connectTcp({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  if (before) socket.write(before);
  const all = [
    `GET ${path} HTTP/1.1`,
    `Host: example.com:8080`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  ];
  socket.write(`${all.join("\r\n")}\r\n\r\n`);
  const { promise, resolve } = deferred<string>();
  let answer = "";
  const onData = (data: Uint8Array) => {
    answer += new TextDecoder().decode(data);
    if (answer.includes("\r\n\r\n")) resolve(answer);
  };
  socket.on("data", onData).on("close", () => resolve(answer)).on("end", () => resolve(answer));
  return { socket, status: Number((await soon(promise, "an answer")).split(" ")[1]) };
}

async function next(listener: Listener): Promise<SocketDuplex> {
  const { value } = await soon(listener[Symbol.asyncIterator]().next(), "a WebSocket");
  return value!;
}

test("upgrades: one port has pages and WebSockets", async () => {
  await using server = await httpServer();
  assertEquals(await (await fetch(`http://127.0.0.1:${server.port}/`)).text(), "hello");
  const [client, accepted] = await Promise.all([
    dialWebSocket(server.port),
    next(server.sockets),
  ]);
  const [here, there] = [new End(client), new End(accepted)];
  await here.write(new Uint8Array([1, 2]));
  assertEquals(await there.readExactly(2), new Uint8Array([1, 2]));
  await there.write(new Uint8Array([3]));
  await there.close();
  assertEquals(await here.readAll(), new Uint8Array([3]));
  await here.close();
  assertEquals(await there.readAll(), new Uint8Array());
  assert(accepted.remoteAddress?.transport === "tcp");
  assertEquals(accepted.remoteAddress.hostname, "127.0.0.1");
  here.drop();
  there.drop();
});

test("upgrades: only requests for WebSockets at its path are taken", async () => {
  await using server = await httpServer({ pathname: "/rpc" });
  assertEquals(await (await fetch(`http://127.0.0.1:${server.port}/rpc`)).text(), "hello");
  const other = await ask(server.port, "/other", []);
  assertEquals(other.status, 200);
  other.socket.destroy();
  const { socket, status } = await ask(server.port, "/rpc?a=1", []);
  assertEquals(status, 101);
  socket.destroy();
  new End(await next(server.sockets)).drop();
});

test("upgrades: a page of another site is refused", async () => {
  await using server = await httpServer({ allowedOrigins: ["https://example.com"] });
  const bad = await ask(server.port, "/", ["Origin: https://evil.example"]);
  assertEquals(bad.status, 403);
  bad.socket.destroy();
  const good = await ask(server.port, "/", ["Origin: https://example.com"]);
  assertEquals(good.status, 101);
  good.socket.destroy();
  new End(await next(server.sockets)).drop();
});

test("upgrades: who is refused and does not end is let go all the same", {
  // Elsewhere the connection stays the HTTP server's own.
  skip: runtime !== "node",
}, async () => {
  const { upgradeListener } = await import("../../src/adapters/websocket_node.ts");
  const sockets = upgradeListener({ pathname: "/rpc" });
  const server = createServer();
  const gone = deferred();
  server.on("connection", (socket) => socket.once("close", gone.resolve));
  server.on("upgrade", (request, socket, head) => sockets.upgrade(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const client = connectTcp({ port, host: "127.0.0.1", allowHalfOpen: true });
  client.on("error", () => {});
  let answer = "";
  const ended = new Promise((resolve) => client.once("end", resolve));
  client.on("data", (chunk) => answer += chunk);
  client.write(
    "GET /other HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  try {
    await soon(gone.promise, "the end of the connection");
    await soon(ended, "the answer");
    assertMatch(answer, /^HTTP\/1\.1 404 /);
  } finally {
    client.destroy();
    await sockets.close();
    server.close();
  }
});

test("upgrades: after close() the HTTP server goes on, without WebSockets", async () => {
  await using server = await httpServer();
  await server.sockets.close();
  await server.sockets.close();
  assertEquals((await server.sockets[Symbol.asyncIterator]().next()).done, true);
  const { socket, status } = await ask(server.port, "/", []);
  assertEquals(status, 503);
  socket.destroy();
  assertEquals(await (await fetch(`http://127.0.0.1:${server.port}/`)).text(), "hello");
});

test("upgrades: the address is what it is told", async () => {
  const address = { transport: "tcp", hostname: "127.0.0.1", port: 8080 } as const;
  await using server = await httpServer({ address });
  assertEquals(server.sockets.address, address);
  await using unknown = await httpServer();
  assertEquals(unknown.sockets.address, { transport: "tcp", hostname: "", port: 0 });
});

for (const own of [true, false]) {
  const name = own ? "an accepted WebSocket" : "one inside an HTTP server";
  test(`request: ${name} knows its URL, headers and cookies`, async () => {
    await using server = own
      ? await listenWebSocket({ port: 0 }).then((sockets) => ({
        port: (sockets.address as { port: number }).port,
        sockets,
        [Symbol.asyncDispose]: () => sockets.close(),
      }))
      : await httpServer();
    const headers = ["X-Token: a b", 'Cookie: id="7"; name=J%C3%BCrgen; id=8; bad=%zz; none'];
    const { socket, status } = await ask(server.port, "/rpc/a%20b?name=x&name=y", headers);
    assertEquals(status, 101);
    const accepted = await next(server.sockets);
    const { request } = accepted;
    assertEquals(request?.url.pathname, "/rpc/a%20b");
    assertEquals(request?.url.host, "example.com:8080");
    assertEquals(request?.url.searchParams.getAll("name"), ["x", "y"]);
    assertEquals(request?.headers.get("x-token"), "a b");
    assertEquals([...request!.cookies], [["id", "7"], ["name", "Jürgen"], ["bad", "%zz"]]);
    socket.destroy();
    new End(accepted).drop();
  });
}

test("request: a URL that is none is the root", () => {
  const url = (path: string, host?: string) =>
    new Upgrade(path, () => new Headers(host === undefined ? {} : { host })).url.href;
  assertEquals(url("/a?b", "h:1"), "http://h:1/a?b");
  assertEquals(url("//evil.example/a", "h"), "http://h//evil.example/a");
  assertEquals(url("/a", "not a host"), "http://localhost/a");
  assertEquals(url("/a", "user:password@h"), "http://h/a");
  assertEquals(url("/a"), "http://localhost/a");
  assertEquals(url("*"), "http://localhost/");
  assertEquals(url("http://other/a", "h"), "http://other/a");
});

test("request: headers as Node has them", () => {
  const headers = rawHeaders(["A", "1", "a", "2", "Cookie", "x=1", "cookie", "y=2"]);
  assertEquals([...headers], [["a", "1, 2"], ["cookie", "x=1; y=2"]]);
});

const PROXY = { trust: ["127.0.0.0/8"] };

test("PROXY, WebSockets: the address is the client's", async () => {
  const refused = deferred<Error>();
  const proxyProtocol = { ...PROXY, onHeaderError: refused.resolve };
  await using listener = await listenWebSocket({ port: 0, proxyProtocol });
  const { port } = listener.address as { port: number };
  const source = { transport: "tcp", hostname: "198.51.100.7", port: 4711 } as const;
  const header = proxyHeader({ source, destination: source, authority: "a.example" });
  const { socket, status } = await ask(port, "/", [], header);
  assertEquals(status, 101);
  const accepted = await next(listener);
  assertEquals(accepted.remoteAddress, source);
  assertEquals(accepted.proxy?.authority, "a.example");
  assertEquals(accepted.request?.url.pathname, "/");
  const end = new End(accepted);
  socket.write(new Uint8Array([0x82, 0x82, 0, 0, 0, 0, 7, 8]));
  assertEquals(await end.readExactly(2), new Uint8Array([7, 8]));
  end.drop();
  socket.destroy();
  const { status: none } = await ask(port, "/", []);
  assert(Number.isNaN(none));
  assertMatch((await soon(refused.promise, "a refusal")).message, /there is none/);
});

test("PROXY, WebSockets: a header that drips or lies ends alone, and close() all that wait", async () => {
  const told: TransportError[] = [];
  const twice = deferred<void>();
  const proxyProtocol = {
    ...PROXY,
    timeout: 50,
    onHeaderError: (error: TransportError) => {
      if (told.push(error) === 2) twice.resolve();
    },
  };
  const listener = await listenWebSocket({ port: 0, proxyProtocol });
  const { port } = listener.address as { port: number };
  const ended: Promise<unknown>[] = [];
  const dial = (bytes: string) => {
    const socket = connectTcp({ port, host: "127.0.0.1" }).on("error", () => {});
    ended.push(new Promise((resolve) => socket.on("close", resolve).resume()));
    socket.write(bytes);
  };
  dial("PROXY TC");
  dial("PROXY TCP4 1.2.3.4 1.2.3.04 1 1\r\n");
  const { socket, status } = await ask(port, "/", [], proxyHeader({}));
  assertEquals(status, 101);
  new End(await next(listener)).drop();
  await soon(twice.promise, "both to be told of");
  assertEquals(told.map(({ code }) => code).sort(), ["proxy-header", "timed-out"]);
  // A header, and then nothing: HTTP is waited for.
  dial("PROXY UNKNOWN\r\n");
  const other = await ask(port, "/", [], proxyHeader({}));
  new End(await next(listener)).drop();
  await listener.close();
  await soon(Promise.all(ended), "the ends of all that were not accepted");
  for (const one of [socket, other.socket]) one.destroy();
});

test("upgrades: wrong options are refused by name", async () => {
  const { upgradeListener } = await {
    deno: () => import("../../src/adapters/websocket_deno.ts"),
    bun: () => import("../../src/adapters/websocket_bun.ts"),
    node: () => import("../../src/adapters/websocket_node.ts"),
  }[runtime]();
  assertThrows(() => upgradeListener({ pathname: "rpc" }), TypeError, "pathname");
  assertThrows(() => upgradeListener({ maxFrameBytes: 0 }), RangeError, "maxFrameBytes");
  assertThrows(() => upgradeListener({ allowedOrigins: ["x"] }), TypeError, "origin");
});
