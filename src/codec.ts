import type { EncodeBuffer } from "./streams/encode_buffer.ts";

/**
 * The result of {@linkcode Decoder.decode}.
 *
 * - `message`: one message, and how many bytes it took (at least 1).
 * - `incomplete`: more bytes are needed. `bytesNeeded`, counted from the same offset, is how
 *   many must be available before `decode` is called again. If the total is not known yet,
 *   give one more than there are.
 * - `skip`: drop `distance` bytes (at least 1) and continue after them. They may include
 *   bytes that have not arrived yet; skipped bytes are not kept in memory.
 * - `invalid`: the bytes cannot be a message; the connection ends with `invalid-message`.
 */
export type DecodeResult<Message> =
  | { readonly kind: "message"; readonly message: Message; readonly bytesUsed: number }
  | { readonly kind: "incomplete"; readonly bytesNeeded: number }
  | { readonly kind: "skip"; readonly distance: number }
  | { readonly kind: "invalid"; readonly reason: string; readonly cause?: unknown };

/** Finds the messages in a stream of bytes. It may keep state, so use one per connection. */
export interface Decoder<Message> {
  /**
   * Decodes the message that begins at `offset` in `bytes`.
   *
   * After `incomplete` it is called again with the same bytes and more after them, once
   * enough have arrived; so it may remember how far it has searched. The result is read
   * before the next call, so a decoder may return the same object each time.
   *
   * The bytes are never written again, so a message may hold views of them. A view keeps
   * its whole chunk in memory (up to 64 KiB, or more for a larger message): copy what is
   * small and lives long.
   *
   * A decoder should not throw: return `invalid`. If it does throw, the connection ends
   * with the code `decoder`, and the thrown value is the `cause`.
   */
  decode(bytes: Uint8Array, offset: number): DecodeResult<Message>;
}

/** Writes messages as bytes. It may keep state, so use one per connection. */
export interface Encoder<Message> {
  /**
   * Appends the bytes of `message` to `out`: {@linkcode EncodeBuffer.reserve} room, write
   * into `out.bytes`, advance `out.offset`. That memory is reused: do not keep it, or write
   * to it, after returning.
   *
   * If it throws, whatever it has appended is removed again, so a message that cannot be
   * encoded does not affect those before and after it.
   */
  encode(message: Message, out: EncodeBuffer): void;
}

/**
 * How messages are framed and encoded, in both directions. Any encoder can be combined
 * with any decoder: `{ encoder: a.encoder, decoder: b.decoder }`.
 */
export interface Codec<Inbound, Outbound = Inbound> {
  /** Decodes what the peer sends. */
  readonly decoder: Decoder<Inbound>;
  /** Encodes what is sent to the peer. */
  readonly encoder: Encoder<Outbound>;
}
