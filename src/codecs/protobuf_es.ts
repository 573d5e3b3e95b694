/**
 * Protobuf messages of schemas that protoc-gen-es generated (`@bufbuild/protobuf`
 * version 2), each behind its length as a varint: what the Rust crate
 * `protosocket-prost` speaks.
 *
 * @example
 * ```ts ignore
 * import { protobufEs } from "@protosocket/protosocket/protobuf-es";
 * import { RequestSchema, ResponseSchema } from "./gen/echo_pb.ts";
 *
 * const clientCodec = protobufEs(ResponseSchema, RequestSchema);
 * const serverCodec = protobufEs(RequestSchema, ResponseSchema);
 * ```
 *
 * @module
 */
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Codec } from "../codec.ts";
import { delimited } from "./_delimited.ts";

export type { DescMessage, MessageShape } from "@bufbuild/protobuf";

/**
 * Makes a codec of the schema of messages that are received and the schema of those
 * that are sent. A message that does not parse ends the connection with an error that
 * names its type.
 */
export function protobufEs<In extends DescMessage, Out extends DescMessage>(
  inbound: In,
  outbound: Out,
): Codec<MessageShape<In>, MessageShape<Out>> {
  return delimited<MessageShape<In>, MessageShape<Out>>({
    encode: (message, out) => out.write(toBinary(outbound, message)),
    decode: (bytes, start, end) => fromBinary(inbound, bytes.subarray(start, end)),
    name: inbound.typeName,
  });
}
