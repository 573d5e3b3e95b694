// Messages of any schema, and bytes that might be some.
import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  type MessageInitShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { concat } from "@std/bytes";
import fc from "fast-check";

const U64 = 2n ** 64n - 1n;
const I64 = 2n ** 63n - 1n;
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "binary-ascii", maxLength: 200 }),
  fc.constantFrom("\ud800", "\ufeff", "é".repeat(64)),
);
const i32 = fc.oneof(fc.integer(), fc.integer({ min: -3, max: 200 }));
const u32 = fc.oneof(fc.nat({ max: 2 ** 32 - 1 }), fc.nat(300));
const i64 = fc.oneof(fc.bigInt(-I64 - 1n, I64), fc.bigInt(-200n, 200n), fc.bigInt(2n ** 51n, I64));
const u64 = fc.oneof(fc.bigInt(0n, U64), fc.bigInt(0n, 200n), fc.bigInt(2n ** 51n, 2n ** 54n));

function scalar(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.DOUBLE:
      return fc.double();
    case ScalarType.FLOAT:
      return fc.float();
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return i64;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return u64;
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return i32;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return u32;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.STRING:
      return text;
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 150 });
  }
}

const json = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });

/** Makes the messages within a message. */
type Inner = (desc: DescMessage, depth: number) => fc.Arbitrary<unknown>;

/** A value of a field, or of its items or entries. */
function one(field: DescField, inner: Inner, depth: number): fc.Arbitrary<unknown> {
  if (field.scalar !== undefined) {
    const values = scalar(field.scalar);
    const asText = "longAsString" in field && field.longAsString;
    return asText ? values.map(String) : values;
  }
  if (field.enum) {
    const known = fc.constantFrom(...field.enum.values.map(({ number }) => number));
    return field.enum.open ? fc.oneof(known, i32) : known;
  }
  const { typeName, fields } = field.message!;
  if (typeName === "google.protobuf.Struct" && !field.parent.typeName.startsWith("google")) {
    return json;
  }
  if (/^google\.protobuf\.[^LN]\w+Value$/.test(typeName) && field.fieldKind === "message") {
    const wrapped = scalar(fields[0]!.scalar!);
    return field.oneof ? wrapped.map((value) => create(field.message!, { value })) : wrapped;
  }
  return inner(field.message!, depth - 1);
}

/** Names, that of the prototype among them. */
const key = fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom("__proto__", "constructor"));

function several(field: DescField, inner: Inner, depth: number): fc.Arbitrary<unknown> {
  switch (field.fieldKind) {
    case "list":
      return fc.array(one(field, inner, depth), { maxLength: 4 });
    case "map": {
      const { STRING } = ScalarType;
      const keys = field.mapKey === STRING ? key : scalar(field.mapKey).map(String);
      return fc.array(fc.tuple(keys, one(field, inner, depth)), { maxLength: 4 })
        .map((entries) => Object.fromEntries(entries));
    }
    default:
      return one(field, inner, depth);
  }
}

/** Messages of a schema, some of whose fields are set, and all that are required. */
export function message(desc: DescMessage, depth = 3): fc.Arbitrary<Message> {
  return initOf(desc, message, depth).map((init) => create(desc, init));
}

/** What messages of a schema are made of: within them are messages, and what those are made of. */
export function init(desc: DescMessage, depth = 3): fc.Arbitrary<MessageInitShape<DescMessage>> {
  const inner: Inner = (desc, depth) => fc.oneof(init(desc, depth), message(desc, depth));
  return initOf(desc, inner, depth);
}

function initOf(
  desc: DescMessage,
  inner: Inner,
  depth: number,
): fc.Arbitrary<MessageInitShape<DescMessage>> {
  const fields = desc.fields.filter((field) => depth > 0 || !field.message);
  const chosen = fields.map((field) => {
    const value = several(field, inner, depth).map((value): [DescField, unknown] => [field, value]);
    // One half is left out.
    return field.presence === 3 ? value : fc.option(value, { freq: 2 });
  });
  return fc.tuple(...chosen).map((chosen) => {
    // What init inherits would be taken for its own.
    const init: Record<string, unknown> = Object.create(null);
    for (const entry of chosen) {
      if (entry === null) continue;
      const [{ localName, oneof }, value] = entry;
      if (oneof) init[oneof.localName] = { case: localName, value };
      else init[localName] = value;
    }
    return init as MessageInitShape<DescMessage>;
  });
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return Uint8Array.of(...bytes, value);
}

const anyVarint = fc.tuple(
  fc.array(fc.integer({ min: 128, max: 255 }), { maxLength: 11 }),
  fc.nat(127),
).map(([more, last]) => Uint8Array.of(...more, last));

const raw = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });

/** Bytes with the form of fields, of a schema and of none, with types of the schema and others. */
export function wire(desc: DescMessage, depth = 4): fc.Arbitrary<Uint8Array> {
  const number = fc.oneof(
    { arbitrary: fc.constantFrom(1, ...desc.fields.map(({ number }) => number)), weight: 8 },
    { arbitrary: fc.constantFrom(0, 1, 2, 31, 100, 3000), weight: 1 },
  );
  const inner = fc.constantFrom(desc, ...desc.fields.flatMap(({ message }) => message ?? []));
  const body = depth === 0 ? raw(3) : fc.oneof(
    inner.chain((desc) => wire(desc, depth - 1)),
    text.map((text) => new TextEncoder().encode(text)),
    fc.array(anyVarint, { maxLength: 4 }).map(concat),
    raw(8),
    raw(16),
  );
  const length = fc.oneof(
    { arbitrary: fc.constant(0), weight: 20 },
    { arbitrary: fc.integer({ min: -1, max: 3 }), weight: 1 },
  );
  const field = fc.tuple(number, fc.constantFrom(0, 0, 1, 2, 2, 2, 3, 4, 5, 6)).chain(
    ([number, type]): fc.Arbitrary<Uint8Array> => {
      const tag = varint(number * 8 + type);
      const value = type === 0
        ? anyVarint
        : type === 1
        ? raw(8)
        : type === 2
        ? fc.tuple(body, length).map(([body, more]) =>
          concat([varint(Math.max(0, body.length + more)), body])
        )
        : type === 3
        ? body.map((body) => concat([body, varint(number * 8 + 4)]))
        : type === 5
        ? raw(4)
        : raw(0);
      return value.map((value) => concat([tag, value]));
    },
  );
  return fc.array(field, { maxLength: 5 }).map(concat);
}
