// Every framing and encoding, with messages to try it with.
import { create, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import protobufjs from "protobufjs";
import type { Codec } from "@protosocket/protosocket";
import { json } from "@protosocket/protosocket/json";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { lines } from "@protosocket/protosocket/lines";
import * as pack from "@protosocket/protosocket/messagepack";
import { protobuf } from "@protosocket/protosocket/protobuf";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { tsProto } from "@protosocket/protosocket/ts-proto";
import { Request as TsRequest } from "../../examples/proto/gen/echo.ts";
import { EchoRequestSchema, RequestSchema } from "../../examples/proto/gen/echo_pb.ts";

/** A codec under test. */
export interface Subject {
  readonly name: string;
  /** A codec of its own for each stream. */
  readonly codec: () => Codec<unknown>;
  /** Messages that it can hold. */
  readonly message: fc.Arbitrary<unknown>;
  /** A message in a form that can be compared. */
  readonly plain: (message: unknown) => unknown;
}

/** Type by type, as the list below needs no more. */
function subject<T>(
  name: string,
  codec: () => Codec<T>,
  message: fc.Arbitrary<T>,
  plain: (message: T) => unknown = (message) => message,
): Subject {
  return { name, codec, message, plain } as unknown as Subject;
}

const proto = readFileSync(new URL("../../examples/proto/echo.proto", import.meta.url), "utf8");
const Request = protobufjs.parse(proto).root.lookupType("protosocket.examples.Request");

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const text = fc.string({ unit: "binary", maxLength: 40 });
const body = fc.record({ message: text, nanotime: u64 });
const echo = fc.record({ requestId: u64, code: fc.integer({ min: 0, max: 2 }), body });

/** All sorts of value that MessagePack is read and written with. */
const Inner = pack.struct("Inner", { on: pack.bool, at: pack.i64, raw: pack.bytes });
const Mixed = pack.struct("Mixed", {
  id: pack.u64,
  small: pack.i8,
  ratio: pack.f64,
  name: pack.option(pack.string),
  list: pack.array(pack.u32),
  names: pack.map(pack.string, pack.array(pack.bool)),
  either: pack.variants("Either", { Neither: pack.unit, Inner }),
});
const safe = fc.maxSafeNat();
const mixed = fc.record({
  id: fc.oneof(safe, fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n })),
  small: fc.integer({ min: -128, max: 127 }),
  ratio: fc.double({ noNaN: true }),
  name: fc.option(text, { nil: undefined }),
  list: fc.array(fc.nat(), { maxLength: 5 }),
  names: fc.array(fc.tuple(text, fc.array(fc.boolean(), { maxLength: 3 })), { maxLength: 4 })
    .map((entries) => new Map(entries)),
  either: fc.oneof(
    fc.constant("Neither" as const),
    fc.record({
      case: fc.constant("Inner" as const),
      value: fc.record({
        on: fc.boolean(),
        at: fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -70000, max: 70000 })),
        raw: fc.uint8Array({ maxLength: 40 }),
      }),
    }),
  ),
});

const line = text.filter((text) => !text.includes("\n") && !text.endsWith("\r"));
const bytes = fc.uint8Array({ maxLength: 300 });

/** All of them. */
export const SUBJECTS: readonly Subject[] = [
  subject("varint", () => lengthDelimited(), bytes),
  subject("u32be", () => lengthDelimited({ prefix: "u32be" }), bytes),
  subject("u32le", () => lengthDelimited({ prefix: "u32le" }), bytes),
  subject("lines", () => lines(), line),
  subject(
    "json",
    () => json<unknown>(),
    fc.jsonValue({ maxDepth: 3 }),
    (value) => JSON.stringify(value),
  ),
  subject("messagepack", () => pack.messagePack(Mixed, Mixed), mixed),
  subject(
    "protobuf",
    () => protobuf(Request, Request),
    echo.map(({ requestId, ...rest }): unknown =>
      Request.fromObject({ requestId: `${requestId}`, ...rest })
    ),
    (message) => Request.toObject(message as protobufjs.Message, { longs: String }),
  ),
  subject(
    "protobuf-es",
    () => protobufEs(RequestSchema, RequestSchema),
    echo.map((fields) =>
      create(RequestSchema, {
        ...fields,
        body: create(EchoRequestSchema, fields.body),
      })
    ),
    (message) => toJson(RequestSchema, message),
  ),
  subject(
    "ts-proto",
    () => tsProto(TsRequest, TsRequest),
    echo.map((fields): TsRequest => ({ ...fields, responseBehavior: 0 })),
  ),
];
