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
import {
  type DescMessage,
  fromBinary,
  type MessageShape,
  protoInt64,
  toBinary,
} from "@bufbuild/protobuf";
import type { Codec } from "../codec.ts";
import type { EncodeBuffer } from "../encode_buffer.ts";
import { delimited } from "./_delimited.ts";
import { MessagePlan } from "./_protobuf_plan.ts";
import { ProtobufReader } from "./_protobuf_reader.ts";
import { writeMessage } from "./_protobuf_writer.ts";

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
    encode: encoder(outbound),
    decode: decoder(inbound),
    name: inbound.typeName,
  });
}

// What is usual is written and read by code of ours, which is several times as fast as the
// library's. It throws for all else, and then the library does the whole message, so that
// what is taken, and what is refused and why, is the library's alone to say.

function encoder<Desc extends DescMessage>(
  schema: Desc,
): (message: MessageShape<Desc>, out: EncodeBuffer) => void {
  // The library can be told to do without bigints; then it does all.
  if (!protoInt64.supported) return (message, out) => out.write(toBinary(schema, message));
  const plan = MessagePlan.of(schema);
  return (message, out) => {
    const before = out.length;
    try {
      writeMessage(plan, message, out);
    } catch {
      out.truncate(before);
      out.write(toBinary(schema, message));
    }
  };
}

function decoder<Desc extends DescMessage>(
  schema: Desc,
): (bytes: Uint8Array, start: number, end: number) => MessageShape<Desc> {
  if (!protoInt64.supported) {
    return (bytes, start, end) => fromBinary(schema, bytes.subarray(start, end));
  }
  const plan = MessagePlan.of(schema);
  const reader = new ProtobufReader();
  return (bytes, start, end) => {
    try {
      return reader.read(plan, bytes, start, end) as MessageShape<Desc>;
    } catch {
      return fromBinary(schema, bytes.subarray(start, end));
    }
  };
}
