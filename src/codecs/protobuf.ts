/**
 * Protobuf messages, each prefixed with its length as a varint, like the Rust crate
 * `protosocket-prost`. For the types of protobufjs, or any others that can encode and decode;
 * `./ts-proto` and `./protobuf-es` are for code from those generators.
 *
 * @example With a protobufjs type
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
import { delimited } from "./delimited.ts";

/**
 * Encodes and decodes one type of message. The types of protobufjs have this shape, and others
 * are easily adapted.
 */
export interface MessageType<Message> {
  /** The message's full name, for errors. */
  readonly $type?: string;
  /** The name of the class, as in protobufjs; for errors. */
  readonly name?: string;
  /** Encodes a message; `finish()` returns its bytes. */
  encode(message: Message): { finish(): Uint8Array };
  /** Decodes a message, which may keep views of `bytes`. Throws if they are not a message. */
  decode(bytes: Uint8Array): Message;
}

/**
 * Makes a codec from the type of inbound messages and the type of outbound messages. A
 * message that cannot be decoded ends the connection with `invalid-message` and the reason.
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
