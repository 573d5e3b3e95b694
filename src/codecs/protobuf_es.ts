/**
 * Protobuf messages of schemas that protoc-gen-es generated (`@bufbuild/protobuf`
 * version 2), each behind its length as a varint: what the Rust crate
 * `protosocket-prost` speaks.
 *
 * @example
 * ```ts
 * import { create } from "@bufbuild/protobuf";
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import { protobufEs } from "@protosocket/protosocket/protobuf-es";
 * import { RequestSchema, ResponseSchema } from "../../examples/proto/gen/echo_pb.ts";
 *
 * const [here, there] = duplexPair();
 * await using server = new Connection(there, {
 *   codec: protobufEs(RequestSchema, ResponseSchema),
 *   reactor: (sender) => ({
 *     onInboundMessage: ({ requestId }) => sender.send(create(ResponseSchema, { requestId })),
 *   }),
 * });
 * await using client = new Connection(here, {
 *   codec: protobufEs(ResponseSchema, RequestSchema),
 *   reactor: () => ({
 *     onInboundMessage({ requestId }) {
 *       console.log(requestId); // 7n
 *       return "disconnect";
 *     },
 *   }),
 * });
 * await client.sender.send(create(RequestSchema, { requestId: 7n }));
 * await client.closed;
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
