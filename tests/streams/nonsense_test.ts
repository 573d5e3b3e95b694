// What the end says that gets something else than its codec's messages.
import { assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import {
  type Codec,
  Connection,
  type ConnectionError,
  duplexPair,
  EncodeBuffer,
} from "../../mod.ts";
import { json } from "../../src/codecs/json.ts";
import { lengthDelimited } from "../../src/codecs/length_delimited.ts";
import { messagePack, string, struct } from "../../src/codecs/messagepack.ts";
import { tsProto } from "../../src/codecs/ts_proto.ts";
import { Request, Response } from "../../examples/proto/gen/echo.ts";
import { soon } from "../support/within.ts";

const varint = () => tsProto(Response, Request) as Codec<unknown, unknown>;
const u32 = () => lengthDelimited({ prefix: "u32be" }) as Codec<unknown, unknown>;
const bytes = (...values: number[]) => new Uint8Array(values);
const text = (text: string) => new TextEncoder().encode(text);

/** What a codec makes of a message. */
function encoded<Message>(
  { encoder }: Pick<Codec<unknown, Message>, "encoder">,
  message: Message,
): Uint8Array {
  const out = new EncodeBuffer();
  encoder.encode(message, out);
  return out.take();
}

const request = encoded(tsProto(Response, Request), {
  requestId: 7n,
  code: 0,
  body: { message: "a message", nanotime: 1n },
  responseBehavior: 0,
});
const packed = encoded(messagePack(string, struct("A", { a: string })), { a: "text" });

/** The error of a connection to which these bytes come, and then the peer's end. */
async function errorOf(codec: Codec<unknown, unknown>, ...chunks: Uint8Array[]): Promise<string> {
  const [here, there] = duplexPair();
  const connection = new Connection<unknown>(here, {
    codec,
    reactor: () => ({ onInboundMessage: () => {} }),
  });
  const writer = there.writable.getWriter();
  for (const chunk of chunks) writer.write(chunk).catch(() => {});
  writer.close().catch(() => {});
  const reason = await soon(connection.closed, "the end");
  return reason.kind === "error" ? reason.error.message : reason.kind;
}

const cases: [name: string, codec: () => Codec<unknown, unknown>, Uint8Array, RegExp][] = [
  [
    "an HTTP request",
    varint,
    text("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    /"GET \/ HTTP.*HTTP request$/,
  ],
  ["an HTTP response", u32, text("HTTP/1.1 400 Bad Request\r\n\r\n"), /an HTTP response$/],
  ["HTTP/2", u32, text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), /HTTP\/2, such as gRPC's$/],
  ["TLS", varint, bytes(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3), /first bytes are 16 03 01 .* TLS/],
  ["an alert of TLS", u32, bytes(0x15, 3, 3, 0, 2, 2, 40), /an alert of TLS/],
  ["JSON", varint, text('{"id":1,"code":0}\n'), /7b 22 69 .* JSON$/],
  ["lengths of four bytes", varint, bytes(0xff, 1, 0, 0, 1), /a little-endian u32$/],
  ["a varint's length", u32, request, /a length as a varint$/],
  ["MessagePack", u32, packed, /MessagePack behind 0xce/],
  ["protobuf", () => json() as Codec<unknown, unknown>, request, /a length as a varint$/],
  ["SSH", varint, text("SSH-2.0-OpenSSH_9\r\n"), /SSH$/],
  ["what is nothing known", u32, bytes(255, 254, 253, 252, 27), /\("\.\.\.\.\."\)$/],
];

for (const [name, codec, sent, expected] of cases) {
  test(`nonsense: ${name} is named`, async () => {
    assertMatch(await errorOf(codec(), sent), expected);
  });
}

test("nonsense: what comes in pieces is described as a whole", async () => {
  const http = text("GET / HTTP/1.1\r\n");
  const message = await errorOf(u32(), http.subarray(0, 2), http.subarray(2, 3), http.subarray(3));
  assertMatch(message, /an HTTP request$/);
});

test("nonsense: what follows a message is not, and what is long is cut", async () => {
  assertEquals(
    (await errorOf(u32(), bytes(0, 0, 0, 1, 7), text("GET / HT"))).includes("bytes are"),
    false,
  );
  assertMatch(await errorOf(u32(), new Uint8Array(200).fill(255)), /( ff){24} … \("\.{24}"\)$/);
});

test("nonsense: one that waits for more is told of when its time is up", async () => {
  const [here, there] = duplexPair();
  const connection = new Connection<unknown>(here, {
    codec: varint(),
    reactor: () => ({ onInboundMessage: () => {} }),
    messageTimeout: 10,
  });
  // As a length, its first byte is 123.
  there.writable.getWriter().write(text('{"id":1}\n')).catch(() => {});
  const reason = await soon(connection.closed, "the end");
  const { code, message } = (reason as { error: ConnectionError }).error;
  assertEquals(code, "message-timeout");
  assertMatch(message, /JSON$/);
});
