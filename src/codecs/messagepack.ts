/**
 * MessagePack messages as the Rust crate `protosocket-messagepack` frames them and
 * `rmp_serde` encodes them, typed by a schema that lists the fields of each struct in the
 * same order as the Rust type.
 *
 * ```text
 * 0xce │ length of the body in bytes (u32, big-endian) │ body
 * ```
 *
 * @example
 * ```ts
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import {
 *   type Infer,
 *   messagePack,
 *   option,
 *   string,
 *   struct,
 *   u64,
 *   unit,
 *   variants,
 * } from "@protosocket/protosocket/messagepack";
 *
 * // struct Job { id: u64, title: Option<String>, state: State }
 * // enum State { Waiting, Failed(Failure) }
 * // struct Failure { reason: String }
 * const Failure = struct("Failure", { reason: string });
 * const State = variants("State", { Waiting: unit, Failed: Failure });
 * const Job = struct("Job", { id: u64, title: option(string), state: State });
 * type Job = Infer<typeof Job>;
 *
 * const [here, there] = duplexPair();
 * const jobs = new Connection(there, {
 *   codec: messagePack(Job, Job),
 *   reactor: () => ({
 *     onInboundMessage({ id, state }: Job) {
 *       if (state === "Waiting") console.log(`${id} waits`);
 *       else console.log(`${id} failed: ${state.value.reason}`);
 *       return "disconnect";
 *     },
 *   }),
 * });
 * await using connection = new Connection(here, {
 *   codec: messagePack(Job, Job),
 *   reactor: () => ({ onInboundMessage() {} }),
 * });
 * const state = { case: "Failed", value: { reason: "no paper" } } as const;
 * await connection.sender.send({ id: 7, state });
 * await jobs.closed; // 7 failed: no paper
 * ```
 *
 * @module
 */

// Why the dozen forms that these types need are encoded and decoded here, not by a library:
// a library makes arrays of unknown values, which a schema must then walk again. Encoding and
// decoding the echo request of the Rust example took (ns, Node 20.20 / Deno 2.9 / Bun 1.4):
// this 435 / 405 / 357, the same checks over msgpackr 2.1 872 / 801 / 682, over
// @msgpack/msgpack 3.1 1029 / 943 / 784. And neither can write a u64 as Rust does: both write
// a number beyond 2^32 as a float, which serde refuses, and every bigint as nine bytes.
import type { Codec } from "../codec.ts";
import { MessagePackReader } from "./messagepack/reader.ts";
import { type Schema, within } from "./messagepack/_schema.ts";
import { type DecodeOptions, maxObjectsOf } from "./object_budget.ts";
import { u32Delimited } from "./_u32_delimited.ts";

export type { DecodeOptions } from "./object_budget.ts";
export type { Extension, MessagePackReader } from "./messagepack/reader.ts";
export { type Infer, type Missing, type Schema, unfit, within } from "./messagepack/_schema.ts";
export {
  writeArray,
  writeBoolean,
  writeBytes,
  writeExtension,
  writeF32,
  writeF64,
  writeInteger,
  writeMap,
  writeNil,
  writeString,
} from "./messagepack/_writer.ts";
export {
  bool,
  bytes,
  f32,
  f64,
  i16,
  i32,
  i64,
  i8,
  string,
  u16,
  u32,
  u64,
  u8,
} from "./messagepack/_scalars.ts";
export {
  any,
  type AnyValue,
  byteArray,
  char,
  extension,
  i128,
  nil,
  u128,
} from "./messagepack/_special.ts";
export {
  array,
  entries,
  fixedArray,
  lazy,
  map,
  type MapOptions,
  option,
} from "./messagepack/_containers.ts";
export {
  type Compile,
  defaulted,
  type Fields,
  namedStruct,
  type NamedStructOptions,
  optional,
  type OptionalField,
  struct,
  type StructOf,
  type StructOptions,
  type StructSchema,
} from "./messagepack/_structs.ts";
export {
  type EnumOptions,
  unit,
  type VariantOf,
  type Variants,
  variants,
} from "./messagepack/_variants.ts";
export {
  adjacentlyTagged,
  type AdjacentlyTaggedOptions,
  internallyTagged,
  type InternallyTaggedOptions,
  type TaggedVariants,
  untagged,
} from "./messagepack/_tagged.ts";

/** MessagePack's form for a u32: the framing is a length in MessagePack. */
const U32 = 0xce;

/**
 * Makes a codec from the schema of inbound messages and the schema of outbound messages.
 *
 * An inbound message that does not match its schema ends the connection with
 * `invalid-message` and a reason that names the place: `Request.body.message: expected a
 * string, got nil`. So does a body whose value is longer or shorter than announced. Encoding
 * throws a `TypeError` for a message that does not match its schema.
 *
 * Inbound, a message may have values that are 100 levels deep, and `maxObjects` objects, so that
 * small messages do not take a lot of memory. Throws a `RangeError` for a bad option.
 */
export function messagePack<Inbound, Outbound>(
  inbound: Schema<Inbound>,
  outbound: Schema<Outbound>,
  options: DecodeOptions = {},
): Codec<Inbound, Outbound> {
  const input = new MessagePackReader(maxObjectsOf(options));
  return u32Delimited<Inbound, Outbound>({
    encode(message, out) {
      try {
        outbound.write(message, out);
      } catch (cause) {
        const misfit = within(outbound.name, cause);
        throw new TypeError(`Cannot encode ${misfit.message}`, { cause: misfit.cause });
      }
    },
    decode(bytes, start, end) {
      input.open(bytes, start, end);
      try {
        const message = inbound.read(input);
        input.close();
        return message;
      } catch (cause) {
        throw within(inbound.name, cause);
      }
    },
  }, { tag: U32, littleEndian: false });
}
