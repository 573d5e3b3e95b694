// A slab of the encode buffer may be full before any field: what was written of it stays.
import { create, toBinary } from "@bufbuild/protobuf";
import { EncodeBuffer } from "@protosocket/protosocket";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { ScalarsSchema } from "../../support/proto/gen/proto3_pb.ts";
import { toHex } from "../../support/codec.ts";

/** For each type that a field may have. */
const VALUES: Record<string, unknown> = { number: 1, bigint: 1n, boolean: true, string: "7" };

test("protobuf-es: a field of each type, wherever a slab ends", () => {
  const message = create(ScalarsSchema);
  for (const [name, value] of Object.entries(message)) {
    if (name.startsWith("$")) continue;
    Object.assign(message, { [name]: VALUES[typeof value] ?? Uint8Array.of(1, 2, 3) });
  }
  const { encoder } = protobufEs(ScalarsSchema, ScalarsSchema);
  const body = toBinary(ScalarsSchema, message);
  assertEquals(body.length < 128, true);
  // Each time a byte less is left in the slab.
  for (let left = body.length + 20; left >= 0; left--) {
    const out = new EncodeBuffer();
    out.reserve(1);
    const before = out.offset = out.bytes.length - left;
    encoder.encode(message, out);
    assertEquals(toHex(out.take().subarray(before + 1)), toHex(body), `${left} bytes left`);
  }
});
