// What ts-proto's code writes with and reads with, beside the library's own.
import { BinaryReader, BinaryWriter, type WireType } from "@bufbuild/protobuf/wire";
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { type Codec, EncodeBuffer } from "@protosocket/protosocket";
import { tsProto } from "@protosocket/protosocket/ts-proto";
import { SlabReader } from "../../src/codecs/ts_proto/reader.ts";
import { SlabWriter } from "../../src/codecs/ts_proto/writer.ts";
import { takeAll, toHex } from "../support/codec.ts";

const i32 = fc.oneof(fc.integer(), fc.integer({ min: -3, max: 300 }));
const u32 = fc.oneof(fc.nat({ max: 2 ** 32 - 1 }), fc.nat(300));
const I64 = 2n ** 63n;
const i64 = fc.oneof(
  fc.bigInt(-I64, I64 - 1n),
  fc.bigInt(-300n, 300n),
  fc.bigInt(2n ** 51n, I64 - 1n),
);
const u64 = fc.oneof(fc.bigInt(0n, 2n * I64 - 1n), fc.bigInt(0n, 300n));
/** In each form that code has for it, by what ts-proto was told. */
const forms = (of: fc.Arbitrary<bigint>) =>
  fc.oneof(of, of.map(String), fc.integer({ min: 0 }), fc.maxSafeNat());
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "binary-ascii", maxLength: 300 }),
  fc.constantFrom("\ud800", "é".repeat(64), "x".repeat(20_000)),
);

/** The methods that write a value and read it again, and what they take. */
const VALUES = {
  uint32: u32,
  int32: i32,
  sint32: i32,
  fixed32: u32,
  sfixed32: i32,
  uint64: forms(u64),
  int64: forms(i64),
  sint64: forms(i64),
  fixed64: forms(u64),
  sfixed64: forms(i64),
  bool: fc.boolean(),
  float: fc.float(),
  double: fc.double(),
  string: text,
  bytes: fc.uint8Array({ maxLength: 300 }),
} as const;

type Method = keyof typeof VALUES;
type Step = readonly [Method, unknown] | readonly ["message", readonly Step[]];

const value = fc.oneof(
  ...Object.entries(VALUES).map(([method, values]) =>
    (values as fc.Arbitrary<unknown>).map((value): Step => [method as Method, value])
  ),
);
const { steps } = fc.letrec<{ steps: readonly Step[]; step: Step }>((tie) => ({
  steps: fc.array(tie("step"), { maxLength: 6 }),
  step: fc.oneof(
    { maxDepth: 4 },
    value,
    tie("steps").map((steps): Step => ["message", steps as readonly Step[]]),
  ),
}));

function write(writer: BinaryWriter, steps: readonly Step[]): BinaryWriter {
  for (const [method, value] of steps) {
    if (method === "message") write(writer.fork(), value).join();
    else (writer[method] as (value: unknown) => void)(value);
  }
  return writer;
}

function written(steps: readonly Step[]): Uint8Array {
  const out = new EncodeBuffer();
  const encode = (message: readonly Step[], writer: BinaryWriter) => write(writer, message);
  new SlabWriter().write({ encode }, steps, out);
  return takeAll(out);
}

/** What comes of the same calls, or that they throw. */
function read(reader: BinaryReader, steps: readonly Step[]): unknown[] {
  return steps.map(([method, value]) => {
    if (method !== "message") return (reader[method] as () => unknown).call(reader);
    const end = reader.uint32() + reader.pos;
    return [read(reader, value), reader.pos === end];
  });
}

function readBySlab<T>(bytes: Uint8Array, decode: (reader: BinaryReader) => T): T {
  // Between other bytes, as in a chunk.
  const chunk = new Uint8Array(bytes.length + 20).fill(255);
  chunk.set(bytes, 7);
  return new SlabReader(1000).read({ decode }, chunk, 7, 7 + bytes.length);
}

test("any values are written as by the library's writer", () => {
  fc.assert(fc.property(steps, (steps) => {
    assertEquals(toHex(written(steps)), toHex(write(new BinaryWriter(), steps).finish()));
  }));
});

test("any values are read as by the library's reader", () => {
  fc.assert(fc.property(steps, (steps) => {
    const bytes = written(steps);
    const values = readBySlab(bytes, (reader) => read(reader, steps));
    assertEquals(values, read(new BinaryReader(bytes), steps));
  }));
});

test("values of the wrong type are refused by both writers", () => {
  const odd = fc.constantFrom<unknown>(
    ...[-1, 1.5, NaN, Infinity, 2 ** 31, 2 ** 32, 1e300, -1n, 2n ** 63n, 2n ** 64n, "x", {}, null],
  );
  const methods = Object.keys(VALUES).filter((name) => !["bool", "string", "bytes"].includes(name));
  fc.assert(fc.property(fc.constantFrom(...methods as Method[]), odd, (method, value) => {
    let taken: Uint8Array | undefined;
    try {
      taken = write(new BinaryWriter(), [[method, value]]).finish();
    } catch {
      // Refused.
    }
    // The library writes the numbers that NaN and null become where it looks at the range alone.
    if (taken === undefined) assertThrows(() => written([[method, value]]));
    else if (typeof value === "number") assertEquals(written([[method, value]]), taken);
  }));
});

test("any bytes are skipped as by the library, or refused, and never read past their end", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
  const skip = (reader: BinaryReader) => {
    const ends = [];
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const [number, type] = reader.tag();
      reader.skip(type as WireType, number);
      ends.push(reader.pos - start);
    }
    return ends;
  };
  const outcome = (run: () => number[]) => {
    try {
      return run();
    } catch (error) {
      return error instanceof Error && "refused";
    }
  };
  fc.assert(
    fc.property(bytes, (bytes) => {
      const ours = outcome(() => readBySlab(bytes, skip));
      const theirs = outcome(() => skip(new BinaryReader(bytes)));
      // The library takes a varint of more than ten bytes for one.
      if (ours !== "refused" || theirs === "refused") assertEquals(ours, theirs);
    }),
    { numRuns: 2000 },
  );
});

test("a join() without a fork() throws", () => {
  const encode = (_: unknown, writer: BinaryWriter) => writer.join();
  assertThrows(() => new SlabWriter().write({ encode }, 0, new EncodeBuffer()), Error, "fork()");
});

test("a message whose code encodes and decodes another meets no reader or writer at work", () => {
  const codec = (inner?: () => void) => {
    const type = {
      encode(value: number, writer = new BinaryWriter()) {
        writer.uint32(value);
        inner?.();
        return writer.uint32(value);
      },
      decode(input: BinaryReader | Uint8Array) {
        const reader = input as BinaryReader;
        const first = reader.uint32();
        inner?.();
        return first * 1000 + reader.uint32();
      },
    };
    return tsProto<number, number>(type, type as never);
  };
  const round = ({ encoder, decoder }: Codec<number>, value: number) => {
    const out = new EncodeBuffer();
    encoder.encode(value, out);
    return decoder.decode(takeAll(out), 0);
  };
  const inner: unknown[] = [];
  const outer = round(codec(() => inner.push(round(codec(), 5))), 3);
  assertEquals(outer, { kind: "message", message: 3003, bytesUsed: 3 });
  assertEquals(inner, Array(2).fill({ kind: "message", message: 5005, bytesUsed: 3 }));
});
