// The least permissions of each entry point on Deno: what it is used for here works with
// just those, and does not without.
import { assert, assertEquals, assertMatch } from "@std/assert";
import process from "node:process";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { command, root } from "../../scripts/support/runtimes.ts";
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
await accepted;
await duplex.writable.abort();
await listener.close();`;

/** A listener, and that a client gets in: `m` is one of the two. */
const WEB_SOCKET = `
const { connect } = await import("@protosocket/protosocket/websocket");
const { listen } = m.listen ? m : await import("@protosocket/protosocket/websocket-deno");
const listener = await listen({ port: 0 });
const accepted = listener[Symbol.asyncIterator]().next();
const duplex = await connect(\`ws://127.0.0.1:\${listener.address.port}\`);
await accepted;
await duplex.writable.abort();
await listener.close();`;

const USES: Readonly<Record<string, Use>> = {
  ".": { code: `const [a] = m.duplexPair(); await a.writable.abort();` },
  "./rpc": {},
  "./deno": { code: SOCKET, flags: [NET] },
  "./node": { code: SOCKET, flags: [NET] },
  "./bun": {},
  "./websocket": { code: WEB_SOCKET, flags: [NET] },
  "./websocket-deno": { code: WEB_SOCKET, flags: [NET] },
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
  "./cloudflare": {},
  "./length-delimited": { code: "m.lengthDelimited();" },
  "./lines": { code: "m.lines();" },
  "./json": { code: "m.json();" },
  "./messagepack": {},
  "./protobuf": {},
  "./protobuf-es": {},
  "./ts-proto": {},
  "./otel": {},
};

/** Runs a program on Deno with no more than these permissions. */
async function run(flags: readonly string[], code: string): Promise<[number | null, string]> {
  const child = spawn(command("deno"), ["run", "--no-prompt", "--quiet", ...flags, "-"], {
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

test("each entry point has its least permissions written down", { skip }, () => {
  const { exports } = JSON.parse(readFileSync(`${root}deno.json`, "utf8"));
  assertEquals(Object.keys(USES).sort(), Object.keys(exports).sort());
});

for (const [name, { code = "", flags = [] }] of Object.entries(USES)) {
  const imported = `import * as m from "@protosocket/protosocket${name.slice(1)}";`;
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
