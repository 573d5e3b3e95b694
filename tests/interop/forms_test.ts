// Every form of serde and rmp_serde 1.3, and prost's maps: random values that Rust wrote are
// read and written here with the same bytes, and Rust reads what was written here.
import { assert, assertEquals } from "@std/assert";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Codec } from "@protosocket/protosocket";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { messagePack, type Schema } from "@protosocket/protosocket/messagepack";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { tsProto } from "@protosocket/protosocket/ts-proto";
import { decodeOne, encodeAll, fromHex, joined, toHex } from "../support/codec.ts";
import { KeyedMaps } from "../support/proto/gen/maps.ts";
import { KeyedMapsSchema } from "../support/proto/gen/maps_pb.ts";
import { FORMS } from "./serde_forms.ts";

const PROGRAM = fileURLToPath(new URL("serde/target/release/forms", import.meta.url));
const skip = existsSync(PROGRAM) ? false : "needs the Rust program: npm run interop builds it";
const SEED = `${Math.floor(Math.random() * 2 ** 32)}`;

/** Runs the Rust program; resolves with its lines. */
async function run(args: string[], input = ""): Promise<string[]> {
  const child = spawn(PROGRAM, args, { stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => said += text);
  child.stdin.end(input);
  const code = await new Promise((resolve) => child.on("close", resolve));
  assertEquals(code, 0);
  return said.trimEnd().split("\n");
}

/** By form, the bytes of values that Rust wrote. */
const written = new Map<string, string[]>();
if (!skip) {
  for (const line of await run(["write", SEED, "300"])) {
    const [form, hex] = line.split(" ") as [string, string];
    const bodies = written.get(form);
    if (bodies === undefined) written.set(form, [hex]);
    else bodies.push(hex);
  }
}

/** What Rust writes and cannot read, and what is written here instead. */
const UNREADABLE: Readonly<Record<string, string>> = { "adjacent 91a155": "92a155c0" };

function plainHex(bytes: Uint8Array): string {
  return toHex(bytes).replaceAll(" ", "");
}

/** A body behind its length, and the body of such a frame. */
function framed(body: Uint8Array): Uint8Array {
  const { length } = body;
  return joined([0xce, length >>> 24, length >>> 16 & 255, length >>> 8 & 255, length & 255], body);
}

for (const [form, schema] of Object.entries<Schema<unknown>>(FORMS)) {
  test(`forms: ${form}, as Rust writes it, and back (seed ${SEED})`, { skip }, async () => {
    const codec = messagePack(schema, schema);
    const bodies = written.get(form)!;
    assert(bodies.length > 0, "Rust writes no such form");
    const ours = bodies.map((hex) => {
      const value = decodeOne(codec, framed(fromHex(hex)));
      return plainHex(encodeAll(codec, value).subarray(5));
    });
    assertEquals(ours, bodies.map((hex) => UNREADABLE[`${form} ${hex}`] ?? hex));
    assertEquals(await run(["read"], ours.map((hex) => `${form} ${hex}\n`).join("")), bodies);
  });
}

test("forms: all that Rust writes are here", { skip }, () => {
  assertEquals([...written.keys()].toSorted(), [...Object.keys(FORMS), "prost-maps"].toSorted());
});

const PROTOBUF: [name: string, codec: Codec<never>][] = [
  ["protobuf-es", protobufEs(KeyedMapsSchema, KeyedMapsSchema) as unknown as Codec<never>],
  ["ts-proto", tsProto(KeyedMaps, KeyedMaps) as unknown as Codec<never>],
];
for (const [name, codec] of PROTOBUF) {
  test(
    `forms: ${name} reads maps of prost, and prost those of it (seed ${SEED})`,
    { skip },
    async () => {
      const bodies = written.get("prost-maps")!;
      // Prost leaves out keys and values that are defaults, these libraries do not: sizes differ.
      const ours = bodies.map((hex) => {
        const frame = encodeAll(lengthDelimited(), fromHex(hex));
        const again = encodeAll(codec, decodeOne(codec, frame));
        return plainHex(decodeOne(lengthDelimited(), again));
      });
      assertEquals(await run(["read"], ours.map((hex) => `prost-maps ${hex}\n`).join("")), bodies);
    },
  );
}
