// What the library's `create` makes messages of is written without making them: as the library
// writes the message, or refused as by the library.
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { EncodeBuffer } from "@protosocket/protosocket";
import { RequestSchema, ResponseSchema } from "../../../examples/proto/gen/echo_pb.ts";
import { MessagePlan } from "../../../src/codecs/protobuf/_plan.ts";
import { writeMessage } from "../../../src/codecs/protobuf/_writer.ts";
import { initEncoder } from "../../../src/codecs/protobuf/body.ts";
import { takeAll, toHex } from "../../support/codec.ts";
import { init } from "../../support/proto/arbitrary.ts";
import * as editions from "../../support/proto/gen/editions_pb.ts";
import * as proto2 from "../../support/proto/gen/proto2_pb.ts";
import * as proto3 from "../../support/proto/gen/proto3_pb.ts";

const SCHEMAS: readonly DescMessage[] = [
  RequestSchema,
  ResponseSchema,
  proto3.ScalarsSchema,
  proto3.OptionalsSchema,
  proto3.ListsSchema,
  proto3.MapsSchema,
  proto3.ChoicesSchema,
  proto3.KnownSchema,
  proto2.OldSchema,
  editions.ChosenSchema,
];

function outcome(work: () => Uint8Array): { value: string } | { error: string } {
  try {
    return { value: toHex(work()) };
  } catch (error) {
    return { error: String(error) };
  }
}

function assertAsMade(schema: DescMessage, init: MessageInitShape<DescMessage>): void {
  const ours = outcome(() => {
    const out = new EncodeBuffer();
    initEncoder(schema)(init, out);
    return takeAll(out);
  });
  assertEquals(ours, outcome(() => toBinary(schema, create(schema, init))));
}

for (const schema of SCHEMAS) {
  const names = schema.members.map(({ localName }) => localName);

  test(`protobuf-es: what a ${schema.name} is made of is written as the message`, () => {
    fc.assert(fc.property(init(schema), (init) => assertAsMade(schema, init)));
  });

  test(`protobuf-es: what a ${schema.name} is made of may have values of other types`, () => {
    const odd = fc.constantFrom<unknown[]>(
      ...[undefined, null, "", "1", "x", true, 0, -0, -1, 1.5, NaN, 2 ** 31, 2 ** 53, 1e300],
      ...[0n, 5n, -5n, 2n ** 63n, 2n ** 64n, {}, [], [1, 2], ["x"], [{}], [null], [[]]],
      ...[{ a: 1 }, { 1: "a" }, { a: {} }, { a: [] }, { a: null }, new Uint8Array(3)],
      ...[{ case: null }, { case: "text" }, { case: "text", value: 1 }, { case: 1 }],
      ...[new Set(), new Set([{}]), new Map(), { $typeName: "another.Message" }],
      ...[{ $typeName: undefined }, { $unknown: [{ no: 99, wireType: 0, data: [7] }] }],
    );
    const name = fc.constantFrom(...names, "$unknown", "another");
    fc.assert(
      fc.property(init(schema, 1), name, odd, (init, name, value) => {
        assertAsMade(schema, Object.assign(init, { [name]: value }));
      }),
      { numRuns: 500 },
    );
  });

  test(`protobuf-es: what a ${schema.name} is made of is usually not left to the library`, () => {
    const plan = MessagePlan.of(schema);
    fc.assert(fc.property(init(schema), (init) => {
      writeMessage(plan, init as never, new EncodeBuffer(), true);
    }));
  });
}

test("protobuf-es: what a message is made of may inherit it", () => {
  class Init {
    get message() {
      return "from a getter";
    }
  }
  assertAsMade(RequestSchema, { body: new Init() });
  assertAsMade(proto2.OldSchema, Object.assign(Object.create({ text: "one" }), { number: 7 }));
});

test("protobuf-es: within a message that is made nothing is made", () => {
  const init = { message: "no message" };
  for (
    const [schema, given] of [
      [RequestSchema, { body: init }],
      [ResponseSchema, { kind: { case: "echo", value: init } }],
      [proto3.ListsSchema, { message: [init] }],
      [proto3.MapsSchema, { boolMessage: { true: init } }],
    ] as const
  ) assertAsMade(schema, Object.assign(create<DescMessage>(schema), given));
});

test("protobuf-es: what has bytes and is none is refused, also within what a message is made of", () => {
  for (const bytes of [new ArrayBuffer(2), new DataView(new ArrayBuffer(2)), new Uint16Array(2)]) {
    const init = { bytes } as unknown as MessageInitShape<typeof proto3.ScalarsSchema>;
    assertThrows(
      () => initEncoder(proto3.ScalarsSchema)(init, new EncodeBuffer()),
      TypeError,
      "bytes must be a Uint8Array, not of type",
    );
  }
});
