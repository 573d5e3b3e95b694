// Listeners behind a proxy, with TLS and without: the proxy is a plain socket.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { spawnSync } from "node:child_process";
import * as net from "node:net";
import { test } from "node:test";
import * as tls from "node:tls";
import type {
  Listener,
  SocketAddress,
  SocketDuplex,
  TransportError,
} from "@protosocket/protosocket";
import { proxyHeader } from "@protosocket/protosocket/proxy-protocol";
import * as node from "../../src/adapters/node.ts";
import type { ListenOptions, ProxyProtocolOptions } from "../../src/adapters/base/_options.ts";
import { command } from "../../tools/runtimes.ts";
import { spot, toReach } from "../conformance/sockets.ts";
import { End } from "../support/end.ts";
import { assertFails, ca, listen, ours } from "../support/tls.ts";
import { deferred, outcome, soon } from "../support/within.ts";

const tcp = (hostname: string, port: number) => ({ transport: "tcp", hostname, port }) as const;
const SOURCE = tcp("198.51.100.7", 4711);
const DESTINATION = tcp("203.0.113.9", 443);
const ENDS = { source: SOURCE, destination: DESTINATION };
const HELLO = new TextEncoder().encode("hello");
const TRUST = ["127.0.0.0/8"];

interface Told {
  readonly error: TransportError;
  readonly remoteAddress: SocketAddress | undefined;
}

/** A listener behind a proxy, and what it was told of headers. */
async function behind(options: Partial<ProxyProtocolOptions>, more: Partial<ListenOptions>) {
  const told: Told[] = [];
  let wake = () => {};
  const proxyProtocol: ProxyProtocolOptions = {
    trust: TRUST,
    onHeaderError: (error, remoteAddress) => (told.push({ error, remoteAddress }), wake()),
    ...options,
  };
  const listener: Listener = await soon(listen({ port: 0, ...more, proxyProtocol }), "a listener");
  const accepted = listener[Symbol.asyncIterator]();
  return {
    listener,
    told,
    async failure(): Promise<Told> {
      while (told.length === 0) {
        await soon(new Promise<void>((resolve) => wake = resolve), "a header to be refused");
      }
      return told.shift()!;
    },
    async accept(): Promise<SocketDuplex> {
      return (await soon(accepted.next(), "a connection")).value!;
    },
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

/** A plain socket, as a proxy has it, which counts errors as ends. */
async function dial(listener: Listener): Promise<net.Socket> {
  const socket = net.connect(toReach(listener) as net.TcpNetConnectOpts);
  await soon(
    new Promise<void>((resolve, reject) => socket.on("connect", resolve).on("error", reject)),
    "a proxy to connect",
  );
  return socket;
}

/** Like {@linkcode dial}, but for a socket that may be refused before it knows of its connection. */
function dialRefused(listener: Listener, bytes: Uint8Array): net.Socket {
  const socket = net.connect(toReach(listener) as net.TcpNetConnectOpts);
  socket.on("error", () => {}).write(bytes);
  return socket;
}

/** A proxy that sends the header together with the first bytes of its one client. */
async function oneProxy(listener: Listener, header: Uint8Array): Promise<net.Socket> {
  const server = net.createServer((client) => {
    const raw = net.connect(toReach(listener) as net.TcpNetConnectOpts);
    client.once("data", (first: Uint8Array) => {
      raw.write(Uint8Array.of(...header, ...first));
      client.pipe(raw).pipe(client);
    });
    for (const one of [client, raw]) one.on("error", () => {});
    client.on("close", () => raw.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  await soon(new Promise((resolve) => socket.on("connect", resolve)), "a proxy");
  server.close();
  return socket;
}

/** Waits until the socket has been closed by the other end. */
function ended(socket: net.Socket): Promise<unknown> {
  return soon(
    new Promise((resolve) => socket.on("close", resolve).resume()),
    "the end of a socket",
  );
}

/** The client's end of TLS over what the proxy connected. */
function secured(socket: net.Socket): Promise<net.Socket> {
  const { promise, resolve, reject } = deferred<net.Socket>();
  const secure = tls.connect({ socket, ca: ca.cert, servername: "localhost" });
  secure.on("secureConnect", () => resolve(secure)).on("error", reject);
  return soon(promise, "a handshake");
}

/** What a socket receives, until it has so many bytes. */
function receives(socket: net.Socket, length: number): Promise<Uint8Array> {
  const { promise, resolve, reject } = deferred<Uint8Array>();
  let all = new Uint8Array();
  socket.on("error", reject).on("data", (bytes: Uint8Array) => {
    all = Uint8Array.of(...all, ...bytes);
    if (all.length >= length) resolve(all);
  });
  return soon(promise, `${length} bytes`);
}

/** Sends in pieces that arrive one by one, as far as one can make them. */
async function inPieces(socket: net.Socket, bytes: Uint8Array, size: number): Promise<void> {
  socket.setNoDelay(true);
  for (let at = 0; at < bytes.length; at += size) {
    await new Promise<void>((resolve) =>
      socket.write(bytes.subarray(at, at + size), () => setTimeout(resolve, 1))
    );
  }
}

for (const withTls of [false, true]) {
  const kind = withTls ? "with TLS" : "plain";
  const more: Partial<ListenOptions> = withTls ? { tls: ours } : {};

  for (const version of [1, 2] as const) {
    for (const split of ["at once", "apart", "byte by byte"] as const) {
      test(`PROXY, ${kind}: version ${version}, header and client ${split}`, async () => {
        await using server = await behind({}, more);
        const header = proxyHeader({ version, ...ENDS });
        const raw = split === "at once"
          ? await oneProxy(server.listener, header)
          : await dial(server.listener);
        if (split === "byte by byte") await inPieces(raw, header, 1);
        else if (split === "apart") await inPieces(raw, header, header.length);
        const accepting = server.accept();
        const client = withTls ? await secured(raw) : raw;
        client.write(HELLO);
        const duplex = await accepting;
        assertEquals(duplex.remoteAddress, SOURCE);
        assertEquals(duplex.proxy?.version, version);
        assertEquals(duplex.proxy?.local, false);
        assertEquals(duplex.proxy?.destination, DESTINATION);
        const { address } = duplex.proxy!;
        assert(address?.transport === "tcp" && address.hostname === "127.0.0.1");
        const end = new End(duplex);
        assertEquals(await end.readExactly(5), HELLO);
        const answer = receives(client, 5);
        await end.write(HELLO);
        assertEquals(await answer, HELLO);
        client.end();
        assertEquals(await end.readAll(), new Uint8Array());
        end.drop();
        client.destroy();
        assertEquals(server.told, []);
      });
    }
  }

  test(`PROXY, ${kind}: a proxy that connects for itself keeps its address`, async () => {
    await using server = await behind({}, more);
    const raw = await dial(server.listener);
    raw.write(proxyHeader({}));
    const accepting = server.accept();
    const client = withTls ? await secured(raw) : raw;
    const duplex = await accepting;
    assert(duplex.remoteAddress?.transport === "tcp");
    assertEquals(duplex.remoteAddress.hostname, "127.0.0.1");
    assertEquals(duplex.proxy?.local, true);
    client.destroy();
    new End(duplex).drop();
  });

  test(`PROXY, ${kind}: a header that lies ends its connection alone`, async () => {
    await using server = await behind({}, more);
    const [good, bad] = [await dial(server.listener), await dial(server.listener)];
    bad.on("error", () => {}).write("PROXY TCP4 1.2.3.4 1.2.3.04 1 1\r\n");
    const { error, remoteAddress } = await server.failure();
    assertEquals(error.code, "proxy-header");
    assertMatch(error.message, /refused: an address or a port in it is not one of TCP4/);
    assert(remoteAddress?.transport === "tcp" && remoteAddress.hostname === "127.0.0.1");
    await ended(bad);
    good.write(proxyHeader(ENDS));
    const accepting = server.accept();
    const client = withTls ? await secured(good) : good;
    assertEquals((await accepting).remoteAddress, SOURCE);
    client.destroy();
    assertEquals(server.told, []);
  });

  test(`PROXY, ${kind}: what is not a header is refused at its first byte`, async () => {
    await using server = await behind({}, more);
    const raw = await dial(server.listener);
    raw.on("error", () => {});
    // A TLS client that no proxy announced.
    raw.write(Uint8Array.of(22, 3, 1));
    assertMatch((await server.failure()).error.message, /there is none/);
    await ended(raw);
  });

  test(`PROXY, ${kind}: a header that drips is given up`, async () => {
    await using server = await behind({ timeout: 50 }, more);
    const raw = await dial(server.listener);
    raw.on("error", () => {}).write("PROXY TC");
    const { error } = await server.failure();
    assertEquals(error.code, "timed-out");
    assertMatch(error.message, /The PROXY header was given up: it took longer than 50 ms/);
    await ended(raw);
  });

  test(`PROXY, ${kind}: an end before the header`, async () => {
    await using server = await behind({}, more);
    const raw = await dial(server.listener);
    raw.on("error", () => {}).end("PROXY");
    assertMatch((await server.failure()).error.message, /the peer ended before it/);
    await ended(raw);
  });

  test(`PROXY, ${kind}: who is not trusted is refused, and not read`, async () => {
    await using server = await behind({ trust: ["192.0.2.0/24", "2001:db8::1"] }, more);
    const raw = dialRefused(server.listener, proxyHeader(ENDS));
    assertMatch((await server.failure()).error.message, /its sender is not in proxyProtocol.trust/);
    await ended(raw);
  });

  test(`PROXY, ${kind}: close() ends connections without a header, untold`, async () => {
    await using server = await behind({ trust: "any" }, more);
    const silent = await dial(server.listener);
    // The one before has been accepted when this one is refused.
    const bad = await dial(server.listener);
    bad.on("error", () => {}).write("?");
    await server.failure();
    silent.on("error", () => {});
    await server.listener.close();
    await ended(silent);
    assertEquals(server.told, []);
  });
}

test("PROXY: a health check that connects and resets is not told of as a stranger", async () => {
  await using server = await behind({}, {});
  const { port } = toReach(server.listener) as { port: number };
  const code = `const s = net.connect(${port}, "127.0.0.1", () => s.resetAndDestroy())`;
  // Nothing is accepted here meanwhile.
  assertEquals(spawnSync(command("node"), ["-e", code]).status, 0);
  assertMatch(
    (await server.failure()).error.message,
    /its sender had left at once|before it|broke/,
  );
  const good = await dial(server.listener);
  good.write(proxyHeader(ENDS));
  assertEquals((await server.accept()).remoteAddress, SOURCE);
  good.destroy();
});

test("PROXY: what a proxy says besides is there", async () => {
  await using server = await behind({ trust: "any" }, {});
  const raw = await dial(server.listener);
  const uniqueId = Uint8Array.of(9);
  raw.write(proxyHeader({ ...ENDS, authority: "a.example", uniqueId, awsEndpointId: "vpce-1" }));
  const { proxy } = await server.accept();
  assertEquals(proxy?.authority, "a.example");
  assertEquals(proxy?.uniqueId, uniqueId);
  assertEquals(proxy?.awsEndpointId, "vpce-1");
  assertEquals(proxy?.tlvs.length, 3);
  raw.destroy();
});

test("PROXY: a header that announces too much ends before it is read", async () => {
  await using server = await behind({ maxHeaderBytes: 32 }, {});
  const raw = await dial(server.listener);
  raw.on("error", () => {}).write(proxyHeader({ ...ENDS, authority: "a.example" }).subarray(0, 16));
  assertMatch((await server.failure()).error.message, /40 bytes, and may have 32/);
  await ended(raw);
});

test("PROXY: a large header and a large rest, in one piece", async () => {
  await using server = await behind({}, {});
  const raw = await dial(server.listener);
  const header = proxyHeader({ ...ENDS, tlvs: [{ type: 0xe0, value: new Uint8Array(4000) }] });
  const rest = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);
  const both = new Uint8Array(header.length + rest.length);
  both.set(header);
  both.set(rest, header.length);
  raw.write(both);
  const end = new End(await server.accept());
  assertEquals(await end.readExactly(rest.length), rest);
  end.drop();
  raw.destroy();
});

test("PROXY: a Unix socket", async () => {
  using place = spot("unix");
  await using server = await behind({ trust: "any" }, { ...place.options, port: undefined });
  const raw = await dial(server.listener);
  raw.write(Uint8Array.of(...proxyHeader(ENDS), ...HELLO));
  const duplex = await server.accept();
  assertEquals(duplex.remoteAddress, SOURCE);
  assertEquals(duplex.proxy?.address, { transport: "unix", path: "" });
  const end = new End(duplex);
  assertEquals(await end.readExactly(5), HELLO);
  end.drop();
  raw.destroy();
});

test("PROXY: ./node can do it on each runtime", async () => {
  await using listener = await node.listen({ port: 0, proxyProtocol: { trust: TRUST } });
  const raw = await dial(listener);
  raw.write(proxyHeader(ENDS));
  const { value } = await soon(listener[Symbol.asyncIterator]().next(), "a connection");
  assertEquals(value?.remoteAddress, SOURCE);
  raw.destroy();
});

for (
  const [wrong, says] of [
    [{}, /trust must be "any" or an array/],
    [{ trust: [] }, /at least one network/],
    [{ trust: "all" }, /trust must be "any"/],
    [{ trust: ["10.0.0.1/8"] }, /like 10\.0\.0\.0\/8, not "10\.0\.0\.1\/8"/],
    [{ trust: "any", timeout: 0 }, /proxyProtocol\.timeout must be .* not 0/],
    [{ trust: "any", maxHeaderBytes: 15 }, /proxyProtocol\.maxHeaderBytes must be .* not 15/],
    [{ trust: "any", onHeaderError: 1 }, /proxyProtocol\.onHeaderError must be a function/],
    [{ trust: "any", version: 2 }, /has no option version/],
    [true, /must be an object/],
    [null, /must be an object/],
  ] as const
) {
  test(`PROXY: refused: ${JSON.stringify(wrong)}`, async () => {
    const proxyProtocol = wrong as ProxyProtocolOptions;
    const error = await assertFails(listen({ port: 0, proxyProtocol }), "wrong-option");
    assertMatch(error.message, says);
    await assertFails(listen({ port: 0, proxyProtocol, tls: ours }), "wrong-option");
  });
}

test("PROXY: a Unix socket has no networks to trust", async () => {
  using place = spot("unix");
  const options = { ...place.options, proxyProtocol: { trust: TRUST } };
  const result = await soon(outcome(listen(options as ListenOptions)), "a refusal");
  assert(result.kind === "error");
  assertMatch((result.error as Error).message, /"any" for a Unix socket/);
});
