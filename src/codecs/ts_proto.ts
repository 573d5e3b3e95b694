/**
 * Protobuf messages of code that ts-proto generated (version 2), each behind its length as a
 * varint: what the Rust crate `protosocket-prost` speaks.
 *
 * It is the fastest of the protobuf codecs: such code knows its fields, and writes them
 * straight into the memory that a connection sends from. Options of ts-proto that suit:
 * `forceLong=bigint`, `oneof=unions-value`, `enumsAsLiterals=true`, `importSuffix=.ts`.
 *
 * @example
 * ```ts
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import { tsProto } from "@protosocket/protosocket/ts-proto";
 * import { Request, Response } from "../../examples/proto/gen/echo.ts";
 *
 * const [here, there] = duplexPair();
 * await using server = new Connection(there, {
 *   codec: tsProto(Request, Response), // what is received, what is sent
 *   reactor: (sender) => ({
 *     onInboundMessage: ({ requestId, code }) =>
 *       sender.send({ requestId, code, kind: undefined }),
 *   }),
 * });
 * await using client = new Connection(here, {
 *   codec: tsProto(Response, Request),
 *   reactor: () => ({
 *     onInboundMessage({ requestId }) {
 *       console.log(requestId); // 7n
 *       return "disconnect";
 *     },
 *   }),
 * });
 * await client.sender.send({ requestId: 7n, code: 0, body: undefined, responseBehavior: 0 });
 * await client.closed;
 * ```
 *
 * @module
 */
import type { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Codec } from "../codec.ts";
import { delimited } from "./_delimited.ts";
import { SlabReader } from "./_slab_reader.ts";
import { SlabWriter } from "./_slab_writer.ts";

export type { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

/** Reads and writes one type of message, as the code does that ts-proto generates. */
export interface TsProtoType<Message> {
  /** The message's full name, where ts-proto was told to give it; for errors. */
  readonly $type?: string;
  /** Writes a message by `writer`, and returns that. */
  encode(message: Message, writer?: BinaryWriter): BinaryWriter;
  /** Reads a message up to the end of `input`. */
  decode(input: BinaryReader | Uint8Array, length?: number): Message;
}

/**
 * Makes a codec of the messages that are received and those that are sent. A message that
 * does not parse ends the connection with an error that says why; so do strings that are not
 * UTF-8, and bytes behind the end of a message. Bytes in a message are views of what was
 * received.
 */
export function tsProto<Inbound, Outbound>(
  inbound: Pick<TsProtoType<Inbound>, "decode" | "$type">,
  outbound: Pick<TsProtoType<Outbound>, "encode">,
): Codec<Inbound, Outbound> {
  const writer = new SlabWriter();
  const reader = new SlabReader();
  return delimited<Inbound, Outbound>({
    encode: (message, out) => writer.write(outbound, message, out),
    decode: (bytes, start, end) => reader.read(inbound, bytes, start, end),
    name: inbound.$type,
  });
}
