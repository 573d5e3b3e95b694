// What connecting from a worker can meet. The ports of the servers are bound.
import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { type Duplex, TransportError, type TransportErrorCode } from "../../mod.ts";
import { type CloudflareConnectOptions, connect } from "../../src/adapters/cloudflare.ts";
import { connect as connectWebSocket } from "../../src/adapters/websocket.ts";
import { End } from "../support/end.ts";
import { soon } from "../support/within.ts";
import { answer } from "../support/case_registry.ts";

interface Env {
  readonly ECHO: string;
  readonly TLS: string;
  readonly STRANGER: string;
  readonly STARTTLS: string;
  readonly SILENT: string;
  readonly WEBSOCKET: string;
}

let env: Env;
const at = (name: keyof Env) => ({ hostname: "localhost", port: Number(env[name]) });

async function fails(
  options: CloudflareConnectOptions,
  code: TransportErrorCode,
  message: RegExp,
): Promise<TransportError> {
  const error = await assertRejects(() => soon(connect(options), "a refusal"), TransportError);
  assertEquals(error.code, code, error.message);
  assertMatch(error.message, message);
  return error;
}

async function echoes(duplex: Duplex): Promise<void> {
  const end = new End(duplex);
  await end.write(new Uint8Array([1, 2, 3]));
  assertEquals(await end.readExactly(3), new Uint8Array([1, 2, 3]));
  await end.close();
  assertEquals((await end.readAll()).length, 0);
}

test("cloudflare, connect: in plain text", {}, async () => {
  const duplex = await connect(at("ECHO"));
  const { remoteAddress } = duplex;
  assert(!remoteAddress || remoteAddress.transport === "tcp");
  assertThrowsUnsupported(() => duplex.startTls());
  await echoes(duplex);
});

function assertThrowsUnsupported(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    return assertEquals((error as TransportError).code, "unsupported");
  }
  assert(false, "it was taken");
}

test("cloudflare, connect: with TLS", {}, async () => {
  await echoes(await connect({ ...at("TLS"), secureTransport: "on" }));
});

test("cloudflare, connect: not to a TLS server whose certificate is not trusted", {}, async () => {
  const options = { ...at("STRANGER"), secureTransport: "on" } as const;
  await fails(options, "unreachable", /^Cannot connect to localhost:/);
});

test("cloudflare, connect: switches to TLS", {}, async () => {
  const plain = await connect({ ...at("STARTTLS"), secureTransport: "starttls" });
  const [reader, writer] = [plain.readable.getReader(), plain.writable.getWriter()];
  await writer.write(new TextEncoder().encode("STARTTLS\n"));
  assertEquals(new TextDecoder().decode((await soon(reader.read(), "go")).value), "go\n");
  reader.releaseLock();
  writer.releaseLock();
  const secure = plain.startTls();
  await echoes(secure);
  const error = await assertRejects(() => plain.readable.getReader().read(), TransportError);
  assertEquals(error.code, "closed");
});

test("cloudflare, connect: nobody is there", {}, async () => {
  await fails({ hostname: "127.0.0.1", port: 1 }, "unreachable", /^Cannot connect to 127.0.0.1:1/);
});

test("cloudflare, connect: no such host", {}, async () => {
  await fails({ hostname: "a b", port: 9000 }, "not-found", /^Cannot connect to a b:9000/);
});

test("cloudflare, connect: takes too long", {}, async () => {
  const options = { ...at("SILENT"), secureTransport: "on", connectTimeout: 20 } as const;
  await fails(options, "timed-out", /within 20 ms$/);
});

test("cloudflare, connect: is aborted", {}, async () => {
  const reason = new Error("enough");
  const early = await fails({ ...at("ECHO"), signal: AbortSignal.abort(reason) }, "aborted", /./);
  assertStrictEquals(early.cause, reason);
  const controller = new AbortController();
  const options = { ...at("SILENT"), secureTransport: "on", signal: controller.signal } as const;
  const late = fails(options, "aborted", /./);
  setTimeout(() => controller.abort(reason), 20);
  assertStrictEquals((await late).cause, reason);
});

test("cloudflare, connect: a WebSocket server", {}, async () => {
  await echoes(await connectWebSocket(`ws://localhost:${env.WEBSOCKET}`));
});

let kept: End;

test("cloudflare, connect: a socket in a variable serves its request", {}, async () => {
  kept = new End(await connect(at("ECHO")));
  await kept.write(new Uint8Array([1]));
  assertEquals(await kept.readExactly(1), new Uint8Array([1]));
});

test("cloudflare, connect: and fails in another", {}, async () => {
  const error = await assertRejects(() => kept.write(new Uint8Array([2])), TransportError);
  assertMatch(error.message, /different request/);
});

export default {
  fetch(request: Request, bound: Env): Promise<Response> {
    env = bound;
    return answer(request);
  },
};
