// What the Cloudflare adapter checks before it needs a worker, and how it knows that an
// object may sleep. On every runtime.
import { codeOf, type Failure } from "../support/code_of.ts";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { EncodeBuffer, TransportError } from "../../mod.ts";
import {
  type CloudflareConnectOptions,
  connect,
  upgradeWebSocket,
} from "../../src/adapters/cloudflare.ts";
import { Awake } from "../../src/adapters/cloudflare/_awake.ts";
import { lengthDelimited } from "../../src/codecs/length_delimited.ts";
import { deferred, soon, turn } from "../support/within.ts";

const good = { hostname: "localhost", port: 9000 };

const refused: [name: string, options: object, code: Failure][] = [
  ["no hostname", { port: 9000 }, "wrong-option"],
  ["an empty hostname", { ...good, hostname: "" }, "wrong-option"],
  ["no port", { hostname: "localhost" }, "wrong-option"],
  ["port 0", { ...good, port: 0 }, "wrong-option"],
  ["port 65536", { ...good, port: 65536 }, "wrong-option"],
  ["an odd secureTransport", { ...good, secureTransport: "maybe" }, "wrong-option"],
  ["no time to connect", { ...good, connectTimeout: 0 }, "wrong-option"],
  ["a day and a month to connect", { ...good, connectTimeout: 2 ** 31 }, "wrong-option"],
  ["a path", { ...good, path: "/tmp/socket" }, "unsupported"],
  ["tls", { ...good, tls: true }, "unsupported"],
  ["noDelay", { ...good, noDelay: true }, "unsupported"],
  ["keepAlive", { ...good, keepAlive: true }, "unsupported"],
  ["another runtime", good, "unsupported"],
];

for (const [name, options, code] of refused) {
  test(`cloudflare, options: ${name} is refused`, async () => {
    const connecting = () => connect(options as CloudflareConnectOptions);
    const error = await assertRejects(connecting, Error);
    assertEquals(codeOf(error), code, error.message);
  });
}

const upgrade = { upgrade: "websocket", host: "example.com" };
const request = (headers: HeadersInit) => new Request("https://example.com/", { headers });

test("cloudflare, options: a request that is for no WebSocket is refused", () => {
  const { kind, response } = upgradeWebSocket(request({}));
  assertEquals([kind, response.status], ["refused", 426]);
});

test("cloudflare, options: bad bounds and origins are refused", () => {
  for (const options of [{ maxFrameBytes: 0 }, { allowedOrigins: ["example.com"] }]) {
    const run = () => upgradeWebSocket(request(upgrade), options);
    assertEquals(codeOf(assertThrows(run)), "wrong-option");
  }
});

test("cloudflare, options: a WebSocket needs the runtime", () => {
  const error = assertThrows(() => upgradeWebSocket(request(upgrade)), TransportError);
  assertEquals(error.code, "unsupported");
});

/** Whether it is at rest now. */
async function atRest(awake: Awake): Promise<boolean> {
  const resting = awake.atRest().then(() => true);
  for (let turns = 0; turns < 3; turns++) await turn();
  return await Promise.race([resting, turn().then(() => false)]);
}

test("cloudflare, awake: part of a message is not at rest", async () => {
  const awake = new Awake(() => false);
  const { decoder, encoder } = awake.codec(lengthDelimited());
  const out = new EncodeBuffer();
  for (const length of [3, 5]) encoder.encode(new Uint8Array(length), out);
  const bytes = out.bytes.slice(0, out.offset);
  const show = (end: number) => {
    for (let at = 0; at < end;) {
      const result = decoder.decode(bytes.subarray(0, end), at);
      at = result.kind === "message" ? at + result.bytesUsed : end;
    }
  };
  show(bytes.length - 1);
  const resting = awake.atRest();
  assertEquals(await atRest(awake), false);
  show(bytes.length);
  await soon(resting, "the rest");
});

test("cloudflare, awake: rpcs and work under way are not at rest, until they end", async () => {
  const awake = new Awake(() => false);
  const end = awake.rpcObserver.onRpc();
  const work = deferred();
  awake.until(work.promise);
  const resting = awake.atRest();
  assertEquals(await atRest(awake), false);
  end();
  assertEquals(await atRest(awake), false);
  work.reject(new Error("it failed"));
  await soon(resting, "the rest");
  assertEquals(await atRest(awake), true);
});

test("cloudflare, awake: a connection that is over is at rest", async () => {
  let over = false;
  const awake = new Awake(() => over);
  awake.rpcObserver.onRpc();
  const resting = awake.atRest();
  assertEquals(await atRest(awake), false);
  over = true;
  await soon(resting, "the rest");
});
