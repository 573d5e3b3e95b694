/**
 * Protobuf messages, each behind its length as a varint: what the Rust crate
 * `protosocket-prost` speaks. For what protobufjs makes, or anything else that encodes and
 * decodes; `./ts-proto` and `./protobuf-es` are for what their generators make.
 *
 * @example With what protobufjs made
 * ```ts
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import { protobuf } from "@protosocket/protosocket/protobuf";
 * import protobufjs from "protobufjs"; // at run time here; generated code has such types too
 *
 * const { root } = protobufjs.parse(`syntax = "proto3"; message Note { string text = 1; }`);
 * const Note = root.lookupType("Note");
 *
 * const [here, there] = duplexPair();
 * await using reader = new Connection(there, {
 *   codec: protobuf(Note, Note), // what is received, what is sent
 *   reactor: () => ({ onInboundMessage: (note) => console.log(note.toJSON()) }),
 * });
 * await using writer = new Connection(here, {
 *   codec: protobuf(Note, Note),
 *   reactor: () => ({ onInboundMessage: () => {} }),
 * });
 * await writer.sender.send(Note.create({ text: "hello" }));
 * ```
 *
 * @module
 */
import type { Codec } from "../codec.ts";
import { delimited } from "./_delimited.ts";

/**
 * Reads and writes one type of message: the shape of what protobufjs makes, and easily made
 * of any other.
 */
export interface MessageType<Message> {
  /** The message's full name; for errors. */
  readonly $type?: string;
  /** The name of the class, as protobufjs has it; for errors. */
  readonly name?: string;
  /** Encodes a message; whoever calls `finish()` gets its bytes. */
  encode(message: Message): { finish(): Uint8Array };
  /** Decodes a message. May keep views of `bytes`. Throws for bytes that are none. */
  decode(bytes: Uint8Array): Message;
}

/**
 * Makes a codec of the messages that are received and those that are sent; a message
 * that does not parse ends the connection with an error that says why.
 */
export function protobuf<Inbound, Outbound>(
  inbound: Pick<MessageType<Inbound>, "decode" | "$type" | "name">,
  outbound: Pick<MessageType<Outbound>, "encode">,
): Codec<Inbound, Outbound> {
  return delimited<Inbound, Outbound>({
    encode: (message, out) => out.write(outbound.encode(message).finish()),
    decode: (bytes, start, end) => inbound.decode(bytes.subarray(start, end)),
    name: inbound.$type ?? inbound.name,
  });
}
