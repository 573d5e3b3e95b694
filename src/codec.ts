import type { EncodeBuffer } from "./encode_buffer.ts";

/**
 * What a {@linkcode Decoder} makes of the bytes that it is shown.
 *
 * - `message`: one message, and how many bytes it took (at least 1).
 * - `incomplete`: not all of it is there; `bytesNeeded` is how many bytes, counted
 *   from the same place, must be there before it is worth asking again. Where the
 *   total is not known yet, one more than there are.
 * - `skip`: drop that many bytes (at least 1), some of which may still be on their
 *   way, and go on after them. They are not kept in memory meanwhile.
 * - `invalid`: no message can begin like this; the connection ends.
 */
export type DecodeResult<Message> =
  | { readonly kind: "message"; readonly message: Message; readonly bytesUsed: number }
  | { readonly kind: "incomplete"; readonly bytesNeeded: number }
  | { readonly kind: "skip"; readonly distance: number }
  | { readonly kind: "invalid"; readonly reason: string; readonly cause?: unknown };

/** Finds the messages in a stream of bytes. One per connection: it may keep state. */
export interface Decoder<Message> {
  /**
   * Looks for one message in `bytes`, beginning at `offset` and ending at the
   * latest where `bytes` ends.
   *
   * After `incomplete` it is asked again with the same bytes and more after them,
   * once the bytes that it waits for are there; so it may remember how far it has
   * looked. The result is read before the next call: a decoder may return one
   * object again and again.
   *
   * The bytes are never written again, so a message may hold views of them. A view
   * keeps the whole chunk it came in (up to 64 KiB, or as much as the message) in
   * memory: copy what is small and lives long.
   *
   * A decoder should not throw. If it does, the connection ends with the code
   * `decoder` and the thrown value as its cause.
   */
  decode(bytes: Uint8Array, offset: number): DecodeResult<Message>;
}

/** Writes messages as bytes. One per connection: it may keep state. */
export interface Encoder<Message> {
  /**
   * Appends the bytes of `message` to `out`: {@linkcode EncodeBuffer.reserve} room,
   * write into `out.bytes`, advance `out.offset`. That memory is recycled: it must not
   * be kept, or written, after this returns.
   *
   * If it throws, what it has appended is taken back, so one message that cannot
   * be encoded does no harm to those before and after it.
   */
  encode(message: Message, out: EncodeBuffer): void;
}

/**
 * How messages look on the wire, in both directions. Any encoder goes with any
 * decoder: `{ encoder: a.encoder, decoder: b.decoder }`.
 */
export interface Codec<Inbound, Outbound = Inbound> {
  /** Reads what the other end sends. */
  readonly decoder: Decoder<Inbound>;
  /** Writes what is sent to the other end. */
  readonly encoder: Encoder<Outbound>;
}
