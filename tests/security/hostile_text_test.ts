// Names, text and depths that mean harm, through a whole connection, and over sockets.
import { assertEquals, assertMatch } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import protobufjs from "protobufjs";
import { type Codec, Connection, duplexPair, EncodeBuffer } from "@protosocket/protosocket";
import { json } from "@protosocket/protosocket/json";
import { lines } from "@protosocket/protosocket/lines";
import { map, messagePack, string } from "@protosocket/protosocket/messagepack";
import { protobuf } from "@protosocket/protosocket/protobuf";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { tsProto } from "@protosocket/protosocket/ts-proto";
import { Request as TsRequest } from "../../examples/proto/gen/echo.ts";
import { RequestSchema } from "../../examples/proto/gen/echo_pb.ts";
import { codeOf } from "../support/connections.ts";
import { End } from "../support/end.ts";
import { soon } from "../support/within.ts";
import { assertGrewLess, Attacker, print, Victim } from "./attacker.ts";

async function receive(codec: Codec<unknown>, bytes: Uint8Array) {
  const [here, there] = duplexPair();
  const messages: unknown[] = [];
  const connection = new Connection(here, {
    codec,
    reactor: () => ({ onInboundMessage: (message) => void messages.push(message) }),
  });
  const end = new End(there);
  end.writer.write(bytes).catch(() => {});
  end.writer.close().catch(() => {});
  const reason = await soon(connection.closed, "the end");
  end.drop();
  return { messages, code: reason.kind === "error" ? codeOf(reason) : reason.kind };
}

const Strings = map(string, string);
const NAMES = ["__proto__", "constructor", "prototype", "toString"];
const JSON_NAMES = new TextEncoder().encode(
  `{${NAMES.map((name) => `"${name}":{"polluted":1}`)}}\n`,
);

function packed(entries: Iterable<[string, string]>): Uint8Array {
  const out = new EncodeBuffer();
  messagePack(Strings, Strings).encoder.encode(new Map(entries), out);
  return out.take();
}

const PACKED_NAMES = packed(NAMES.map((name) => [name, "polluted"]));

test("hostile: names of prototypes are kept as they are, and pollute nothing", async () => {
  const parsed = await receive(json(), JSON_NAMES);
  assertEquals(Object.keys(parsed.messages[0] as object), NAMES);

  const pack = messagePack(Strings, Strings) as Codec<unknown>;
  const unpacked = await receive(pack, PACKED_NAMES);
  assertEquals([...(unpacked.messages[0] as Map<string, string>).keys()], NAMES);

  assertEquals([parsed.code, unpacked.code], ["peer", "peer"]);
  assertEquals("polluted" in {}, false);
  assertEquals("polluted" in Object, false);
});

const proto = readFileSync(new URL("../../examples/proto/echo.proto", import.meta.url), "utf8");
const Request = protobufjs.parse(proto).root.lookupType("protosocket.examples.Request");
/** A Request whose body's message is these two bytes, which are no UTF-8. */
const REQUEST = Uint8Array.of(6, 0x1a, 4, 0x0a, 2, 0xc3, 0x28);

const INVALID: [string, Codec<unknown>, Uint8Array][] = [
  ["lines", lines() as Codec<unknown>, Uint8Array.of(0xc3, 0x28, 0x0a)],
  ["json", json(), Uint8Array.of(0x22, 0xc3, 0x28, 0x22, 0x0a)],
  [
    "messagepack",
    messagePack(string, string) as Codec<unknown>,
    Uint8Array.of(0xce, 0, 0, 0, 3, 0xa2, 0xc3, 0x28),
  ],
  ["protobuf", protobuf(Request, Request) as Codec<unknown>, REQUEST],
  ["protobuf-es", protobufEs(RequestSchema, RequestSchema) as Codec<unknown>, REQUEST],
  ["ts-proto", tsProto(TsRequest, TsRequest) as Codec<unknown>, REQUEST],
];

for (const [name, codec, bytes] of INVALID) {
  test(`hostile: text that is not UTF-8 is an invalid message: ${name}`, async () => {
    assertEquals(await receive(codec, bytes), { messages: [], code: "invalid-message" });
  });
}

/** A hundred peers, one after another, and the server before and after. */
async function each(
  victim: Victim,
  what: string,
  bytes: Uint8Array,
  use: (peer: Attacker) => Promise<void>,
) {
  const before = await victim.health();
  for (let i = 0; i < 100; i++) {
    const peer = await Attacker.dial(victim.port);
    await peer.write(bytes);
    await use(peer);
    peer.drop();
  }
  const after = await victim.left(0, before);
  print(`100 peers with ${what}`, before, after);
  assertGrewLess(64, before, after);
  return after;
}

for (const [codec, bytes] of [["json", JSON_NAMES], ["messagepack", PACKED_NAMES]] as const) {
  test(`hostile: a server is not polluted by names of prototypes, ${codec}`, async () => {
    await using victim = await Victim.start("echo", { codec });
    const after = await each(victim, `names of prototypes in ${codec}`, bytes, async (peer) => {
      assertEquals(await peer.receive(bytes.length), bytes);
    });
    assertEquals(after.polluted, false);
  });
}

for (const [codec, , bytes] of INVALID.filter(([name]) => ["json", "messagepack"].includes(name))) {
  test(`hostile: a server disconnects a peer that sends invalid UTF-8, and continues, ${codec}`, async () => {
    await using victim = await Victim.start("echo", { codec });
    const { ended } = await each(victim, `no UTF-8 in ${codec}`, bytes, async (peer) => {
      await peer.over();
    });
    assertEquals(ended, { "invalid-message": 100 });
  });
}

/** JSON whose echo must be written as deep as it was read. */
const DEEP = new TextEncoder().encode(`${"[".repeat(500_000)}${"]".repeat(500_000)}\n`);

test("hostile: a message that is half a million arrays deep harms its own connection at most", async () => {
  await using victim = await Victim.start("echo", { codec: "json" });
  const other = await Attacker.dial(victim.port);
  const before = await victim.health();
  for (let i = 0; i < 10; i++) {
    const peer = await Attacker.dial(victim.port);
    await peer.write(DEEP);
    await Promise.race([peer.over(), peer.receive(DEEP.length)]);
    peer.drop();
  }
  const after = await victim.left(1, before);
  print("10 peers with arrays half a million deep", before, after);
  for (const how of Object.keys(after.ended)) {
    assertMatch(how, /^(encoder|invalid-message|reset|peer)$/);
  }
  await other.write(JSON_NAMES);
  assertEquals(await other.receive(JSON_NAMES.length), JSON_NAMES);
  other.drop();
});
