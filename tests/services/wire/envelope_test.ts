// The envelope on the wire, as code that was generated from services.proto reads and writes it.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyPack, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { EncodeBuffer } from "@protosocket/protosocket";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { clientCodec, serverCodec } from "../../../src/services/envelope/codec.ts";
import {
  ServiceRequest,
  ServiceResponse,
  TOO_MUCH,
  type WireMethod,
} from "../../../src/services/envelope/messages.ts";
import { RequestSchema, ResponseSchema } from "../../support/proto/gen/services_pb.ts";

const LIMITS = { maxMetadataEntries: 3, maxMetadataBytes: 1000 };
const utf8 = (text: string) => new TextEncoder().encode(text);

const text = {
  encode: (value: unknown, out: EncodeBuffer) => out.write(utf8(value as string)),
  decode: (bytes: Uint8Array, start: number, end: number) =>
    new TextDecoder().decode(bytes.subarray(start, end)),
};

function method(path: string, encoding = 0): WireMethod {
  return { path, pathBytes: utf8(path), encoding, request: text, response: text };
}

/** Encodes a message; returns the bytes after the length. */
function encoded<Message>(
  encoder: { encode(message: Message, out: EncodeBuffer): void },
  message: Message,
): Uint8Array {
  const out = new EncodeBuffer();
  encoder.encode(message, out);
  const bytes = out.take();
  let at = 0;
  let size = 0;
  for (let shift = 0, more = true; more; shift += 7) {
    more = bytes[at]! > 127;
    size += (bytes[at++]! & 127) * 2 ** shift;
  }
  assertEquals(size, bytes.length - at);
  return bytes.subarray(at);
}

/** Decodes a message, given the bytes after the length. */
function decoded<Message>(
  decoder: { decode(bytes: Uint8Array, offset: number): { kind: string; message?: Message } },
  body: Uint8Array,
): Message {
  const length: number[] = [];
  for (let rest = body.length; length.push(rest > 127 ? rest % 128 + 128 : rest), rest > 127;) {
    rest = Math.floor(rest / 128);
  }
  const bytes = new Uint8Array([...length, ...body]);
  const result = decoder.decode(bytes, 0);
  assert(result.kind === "message", (result as { reason?: string }).reason);
  return result.message!;
}

test("a request that this writes, generated code reads", () => {
  const { encoder } = clientCodec(LIMITS);
  for (const size of [0, 1, 127, 128, 20_000, 5]) {
    const request = new ServiceRequest();
    request.id = 2 ** 40 + 3;
    request.method = method("a.B/c", 2);
    request.body = text;
    request.value = "x".repeat(size);
    request.stream = true;
    request.deadline = performance.now() + 5000;
    request.metadata = [["k", "v☃"], ["b", new Uint8Array([0, 255])], ["long", "y".repeat(200)]];
    const read = fromBinary(RequestSchema, encoded(encoder, request));
    assertEquals(
      [read.id, read.code, read.method, read.stream, read.encoding, read.payload.length],
      [2n ** 40n + 3n, 0, "a.B/c", true, 2, size],
    );
    assert(read.timeoutUs > 4_000_000n && read.timeoutUs <= 5_000_000n);
    assertEquals(read.metadata.map(({ key, value }) => [key, value]), [
      ["k", utf8("v☃")],
      ["b", new Uint8Array([0, 255])],
      ["long", utf8("y".repeat(200))],
    ]);
  }
});

test("a deadline that is too far away to be written is as far as can be", () => {
  const { encoder } = clientCodec(LIMITS);
  for (const deadline of [1e300, Infinity]) {
    const request = new ServiceRequest();
    request.id = 1;
    request.deadline = deadline;
    const { timeoutUs } = fromBinary(RequestSchema, encoded(encoder, request));
    assertEquals(timeoutUs, 2n ** 53n - 1n);
  }
});

test("a response that this writes, generated code reads", () => {
  const { encoder } = serverCodec(LIMITS, () => undefined);
  const response = new ServiceResponse();
  response.id = 2n ** 63n;
  response.code = 1;
  response.status = {
    code: 5,
    message: "no",
    details: [{ typeUrl: "t/x", value: new Uint8Array([1]) }],
  };
  response.metadata = [["m", "1"]];
  response.trailers = [["t", "2"]];
  response.unbegun = true;
  const read = fromBinary(ResponseSchema, encoded(encoder, response));
  assertEquals([read.id, read.code, read.unbegun], [2n ** 63n, 1, true]);
  assertEquals([read.status!.code, read.status!.message], [5, "no"]);
  assertEquals(read.status!.details.map(({ typeUrl, value }) => [typeUrl, value]), [
    ["t/x", new Uint8Array([1])],
  ]);
  assertEquals([read.metadata[0]!.key, read.trailers[0]!.key], ["m", "t"]);

  const empty = new ServiceResponse();
  empty.status = { code: 0, message: "", details: [] };
  assertEquals(fromBinary(ResponseSchema, encoded(encoder, empty)).status!.code, 0);
});

test("what generated code writes, this reads", () => {
  const found = method("a.B/c");
  const { decoder } = serverCodec(
    LIMITS,
    (bytes, start, end) =>
      new TextDecoder().decode(bytes.subarray(start, end)) === "a.B/c" ? found : undefined,
  );
  const request = decoded(
    decoder,
    toBinary(
      RequestSchema,
      create(RequestSchema, {
        id: 2n ** 60n,
        code: 0,
        method: "a.B/c",
        payload: utf8("hello"),
        timeoutUs: 3_000_000n,
        metadata: [{ key: "k", value: utf8("v") }],
        stream: true,
        encoding: 1,
      }),
    ),
  );
  assertEquals([request.id, request.code, request.method], [2n ** 60n, 0, found]);
  assertEquals([request.stream, request.encoding], [true, 1]);
  assertEquals(text.decode(request.bytes, request.start, request.end), "hello");
  assertEquals(request.metadata, [["k", utf8("v")]]);
  assert(Math.abs(request.deadline - performance.now() - 3000) < 2000);

  const { decoder: responses } = clientCodec(LIMITS);
  const any = anyPack(StringValueSchema, create(StringValueSchema, { value: "x" }));
  const response = decoded(
    responses,
    toBinary(
      ResponseSchema,
      create(ResponseSchema, {
        id: 7n,
        payload: utf8("hi"),
        status: { code: 16, message: "who?", details: [any] },
        metadata: [{ key: "m", value: utf8("1") }],
        trailers: [{ key: "t", value: utf8("2") }],
        unbegun: true,
      }),
    ),
  );
  assertEquals([response.id, response.unbegun, response.status!.code], [7, true, 16]);
  assertEquals(response.status!.details, [{ typeUrl: any.typeUrl, value: any.value }]);
  assertEquals([response.metadata, response.trailers], [[["m", utf8("1")]], [["t", utf8("2")]]]);
});

test("metadata beyond the bounds is not kept, whichever bound it is", () => {
  const { decoder } = serverCodec(LIMITS, () => undefined);
  const entries = (count: number, size: number) =>
    toBinary(
      RequestSchema,
      create(RequestSchema, {
        metadata: Array.from({ length: count }, () => ({ key: "k", value: new Uint8Array(size) })),
      }),
    );
  assertEquals(decoded(decoder, entries(3, 100)).metadata?.length, 3);
  assertEquals(decoded(decoder, entries(4, 1)).metadata, TOO_MUCH);
  assertEquals(decoded(decoder, entries(1, 1000)).metadata, TOO_MUCH);
  assertEquals(decoded(decoder, entries(1000, 1000)).metadata, TOO_MUCH);
});

test("metadata beside what begins no RPC is not kept", () => {
  const { decoder } = serverCodec(LIMITS, () => undefined);
  for (const [code, kept] of [[0, 1], [1, undefined], [2, undefined]] as const) {
    const entry = { key: "k", value: utf8("v") };
    const item = create(RequestSchema, { id: 7n, code, metadata: [entry], payload: utf8("p") });
    const read = decoded(decoder, toBinary(RequestSchema, item));
    assertEquals([read.code, read.metadata?.length], [code, kept]);
  }
});

test("any bytes are a message or are refused, as generated code would", () => {
  const { decoder } = serverCodec(LIMITS, () => undefined);
  const { decoder: responses } = clientCodec(LIMITS);
  const valid = toBinary(
    ResponseSchema,
    create(ResponseSchema, {
      id: 7n,
      payload: utf8("hi"),
      status: { code: 1, message: "m", details: [{ typeUrl: "t", value: utf8("v") }] },
      metadata: [{ key: "m", value: utf8("1") }],
    }),
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    // A valid message with one byte changed, or cut.
    fc.tuple(fc.nat(valid.length - 1), fc.nat(255)).map(([at, byte]) => {
      const changed = valid.slice();
      changed[at] = byte;
      return changed;
    }),
    fc.nat(valid.length).map((length) => valid.slice(0, length)),
  );
  fc.assert(fc.property(bytes, (body) => {
    const framed = new Uint8Array([body.length, ...body]);
    for (const { decode } of [decoder, responses].map((d) => ({ decode: d.decode.bind(d) }))) {
      const { kind } = decode(framed, 0);
      assert(kind === "message" || kind === "invalid");
    }
    // More after it must not be read.
    const more = new Uint8Array([...framed, 0x80, 0x80, 0x80]);
    assertEquals(responses.decode(more, 0).kind, responses.decode(framed, 0).kind);
  }));
});
