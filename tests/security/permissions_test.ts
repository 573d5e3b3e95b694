// The least permissions of each entry point on Deno: what it is used for here works with
// just those, and does not without.
import { assert, assertEquals, assertMatch } from "@std/assert";
import process from "node:process";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { command, root } from "../../tools/runtimes.ts";
import { certified } from "../support/certificates.ts";
import { runtime } from "../support/runtime.ts";

interface Use {
  /** What is done with the entry point `m`. Nothing, if it is enough that it was imported. */
  readonly code?: string;
  /** What that needs. */
  readonly flags?: readonly string[];
}

const NET = "--allow-net=127.0.0.1";
const WS = "--allow-env=WS_NO_BUFFER_UTIL,WS_NO_UTF_8_VALIDATE";

const SOCKET = `
const listener = await m.listen({ port: 0 });
const accepted = listener[Symbol.asyncIterator]().next();
const duplex = await m.connect({ port: listener.address.port });
const { value: other } = await accepted;
await Promise.all([duplex.writable.abort(), other.writable.abort()]);
await listener.close();`;

/** A listener, and that a client gets in: `m` is one of the two. */
const WEB_SOCKET = `
const { connect } = await import("@protosocket/protosocket/websocket");
const { listen } = m.listen ? m : await import("@protosocket/protosocket/websocket-deno");
const listener = await listen({ port: 0 });
const accepted = listener[Symbol.asyncIterator]().next();
const duplex = await connect(\`ws://127.0.0.1:\${listener.address.port}\`);
const { value: other } = await accepted;
await Promise.all([duplex.writable.abort(), other.writable.abort()]);
await listener.close();`;

/** A message goes through a codec. */
const throughCodec = (codec: string, message: string) => `
const { EncodeBuffer } = await import("@protosocket/protosocket");
const { encoder, decoder } = ${codec};
const out = new EncodeBuffer();
encoder.encode(${message}, out);
if (decoder.decode(out.take(), 0).kind !== "message") throw new Error("It was not read");`;

/** A call, and what is to be known of it by \`options\`. */
const RPC = `
const { Connection, duplexPair } = await import("@protosocket/protosocket");
const { RpcClient, rpcReactor } = await import("@protosocket/protosocket/rpc");
const { json } = await import("@protosocket/protosocket/json");
const message = {
  id: (m) => m.id, setId: (m, id) => m.id = id, code: (m) => m.code,
  cancelled: (id) => ({ id, code: 1 }), ended: (id) => ({ id, code: 2 }),
};
const messages = { request: message, response: message };
const [here, there] = duplexPair();
new Connection(there, { codec: json(), reactor: rpcReactor(messages, () => ({ id: 0, code: 0 })) });
const client = new RpcClient(here, { codec: json(), messages, ...options });
await client.unary({ id: 0, code: 0 });
await client.close();`;

const FOLDER = mkdtempSync(join(tmpdir(), "permissions-"));
process.on("exit", () => rmSync(FOLDER, { recursive: true, force: true }));
const PATH = join(FOLDER, "socket");

/** Not trusted, but that is not a matter of permissions. */
const { cert, key } = await certified("itself", ["127.0.0.1"]);
const TLS = SOCKET
  .replace("port: 0", `port: 0, tls: ${JSON.stringify({ cert, key })}`)
  .replace("address.port }", "address.port, tls: { unverified: true } }");

/** By entry point, and what it is used for, if that needs other permissions. */
const USES: Readonly<Record<string, Use>> = {
  ".": { code: `const [a] = m.duplexPair(); await a.writable.abort();` },
  "./rpc": { code: `const options = {};${RPC}` },
  "./sockets": { code: SOCKET, flags: [NET] },
  "./deno": { code: SOCKET, flags: [NET] },
  "./deno, TLS": { code: TLS, flags: [NET] },
  "./deno, a Unix socket": {
    code: SOCKET.replaceAll(/\{ port.* \}/g, `{ path: ${JSON.stringify(PATH)} }`),
    flags: [`--allow-net=unix:${PATH}`, `--allow-read=${PATH}`, `--allow-write=${PATH}`],
  },
  "./node": { code: SOCKET, flags: [NET] },
  "./bun": {},
  "./websocket": { code: WEB_SOCKET, flags: [NET] },
  "./websocket-deno": { code: WEB_SOCKET, flags: [NET] },
  "./websocket-deno, behind a proxy": {
    code: `await (await m.listen({ port: 0, proxyProtocol: { trust: "any" } })).close();`,
    flags: [NET, WS],
  },
  "./websocket-node": { code: WEB_SOCKET, flags: [NET, WS] },
  "./websocket-bun": {},
  "./dns": {
    code: `await m.dnsEndpoints({ hostname: "localhost", port: 1 })();`,
    flags: ["--allow-net=localhost"],
  },
  "./cores": {
    code: `const worker = new URL("./tests/cores/worker.ts", import.meta.url);
const server = await m.serveOnEachCore(worker, { port: 0, cores: 2, data: {} });
await server.close();`,
    flags: [NET, "--allow-read=."],
  },
  "./message-port": {
    code: `const { port1, port2 } = new MessageChannel();
m.portDuplex(port2);
await m.portDuplex(port1).writable.abort();`,
  },
  "./proxy-protocol": {
    code:
      `if (m.parseProxyHeader(m.proxyHeader({})).kind !== "header") throw new Error("No header");`,
  },
  "./cloudflare": {},
  "./length-delimited": { code: throughCodec("m.lengthDelimited()", "new Uint8Array(2)") },
  "./lines": { code: throughCodec("m.lines()", '"text"') },
  "./json": { code: throughCodec("m.json()", "{ a: [1] }") },
  "./messagepack": { code: throughCodec("m.messagePack(m.string, m.string)", '"text"') },
  "./protobuf": {
    code: `const Empty = { encode: () => ({ finish: () => new Uint8Array() }), decode: () => ({}) };
      ${throughCodec("m.protobuf(Empty, Empty)", "{}")}`,
  },
  "./protobuf-es": {
    code: `import { create } from "@bufbuild/protobuf";
      import { UInt64ValueSchema as Id } from "@bufbuild/protobuf/wkt";
      ${throughCodec("m.protobufEs(Id, Id)", "create(Id, { value: 7n })")}`,
  },
  "./ts-proto": {
    code: `import { Request } from "./examples/proto/gen/echo.ts";
      const request = { requestId: 7n, code: 0, body: undefined, responseBehavior: 0 };
      ${throughCodec("m.tsProto(Request, Request)", "request")}`,
  },
  "./services": {
    code:
      `const any = { "~standard": { version: 1, vendor: "", validate: (value) => ({ value }) } };
      const Echo = m.defineService("test.Echo", { echo: { request: any, response: any } });
      const echo = m.implement(Echo, { echo: (value) => value });
      if (await m.createClient(Echo, m.inMemory([echo])).echo(7) !== 7) throw new Error("No echo");`,
  },
  "./services-protobuf-es": {
    code: `import { file_google_protobuf_descriptor as file } from "@bufbuild/protobuf/wkt";
      const none = { kind: "service", typeName: "test.None", methods: [], method: {}, file };
      m.serviceOf(none);`,
  },
  "./services-ts-proto": {
    code: `m.serviceOf({ fullName: "test.None", methods: {} });`,
  },
  "./otel": {
    code: `const options = {
        observer: m.otelConnections(), rpcObserver: m.otelRpcs("client", { method: () => "a/b" }),
      };${RPC}`,
  },
};

/** Without code made of strings, too: what is used here needs none. */
const ARGS = [
  "run",
  "--no-prompt",
  "--quiet",
  "--v8-flags=--disallow-code-generation-from-strings",
];

/** Runs a program on Deno with no more than these permissions. */
async function run(flags: readonly string[], code: string): Promise<[number | null, string]> {
  const child = spawn(command("deno"), [...ARGS, ...flags, "-"], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["pipe", "ignore", "pipe"],
  });
  child.stdin.end(code);
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const errors = await text(child.stderr);
  return [await ended, errors];
}

// Deno's own `spawn` gives a Deno that it starts all permissions.
const skip = runtime !== "node" && "Node starts the programs, on Deno";

test("code generation from strings is disabled here", { skip }, async () => {
  const [status, errors] = await run([], "eval('1'); ");
  assert(status !== 0);
  assertMatch(errors, /Code generation from strings disallowed/);
});

test("each entry point has its least permissions written down", { skip }, () => {
  const { exports } = JSON.parse(readFileSync(`${root}deno.json`, "utf8"));
  const named = Object.keys(USES).map((use) => use.split(",")[0]!);
  assertEquals([...new Set(named)].sort(), Object.keys(exports).sort());
});

for (const [name, { code = "", flags = [] }] of Object.entries(USES)) {
  const imported = `import * as m from "@protosocket/protosocket${name.split(",")[0]!.slice(1)}";`;
  test(`${name} needs ${flags.join(" ") || "no permission"}`, { skip }, async () => {
    assertEquals(await run(flags, `${imported}\n${code}`), [0, ""]);
    for (const one of flags) {
      const others = flags.filter((flag) => flag !== one);
      const [status, errors] = await run(others, `${imported}\n${code}`);
      assert(status !== 0, `it does without ${one} too`);
      // `node:dns` only says EPERM.
      assertMatch(errors, new RegExp(`${one.split("=")[0]}|EPERM`));
    }
  });
}
