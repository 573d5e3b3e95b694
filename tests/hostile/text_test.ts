// Names and text that mean harm, through a whole connection.
import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import protobufjs from "protobufjs";
import { type Codec, Connection, duplexPair } from "@protosocket/protosocket";
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

test("hostile: names of prototypes are kept as they are, and pollute nothing", async () => {
  const text = `{${NAMES.map((name) => `"${name}":{"polluted":1}`)}}\n`;
  const parsed = await receive(json(), new TextEncoder().encode(text));
  assertEquals(Object.keys(parsed.messages[0] as object), NAMES);

  const pack = messagePack(Strings, Strings);
  const { EncodeBuffer } = await import("@protosocket/protosocket");
  const out = new EncodeBuffer();
  pack.encoder.encode(new Map(NAMES.map((name) => [name, "polluted"])), out);
  const unpacked = await receive(pack as Codec<unknown>, out.take());
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
  test(`hostile: text that is no UTF-8 is an invalid message: ${name}`, async () => {
    assertEquals(await receive(codec, bytes), { messages: [], code: "invalid-message" });
  });
}
