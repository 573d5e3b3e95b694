import type { Codec, DecodeResult } from "@protosocket/protosocket";
import type { RpcId, RpcMessage, RpcMessages } from "@protosocket/protosocket/rpc";

/** A request, a response or an item. On the wire it has a filler of `size` bytes. */
export interface Message {
  id: RpcId;
  code: number;
  /** Which call of the run it belongs to. */
  call: number;
  /** The number of an item in its stream. */
  seq: number;
  size: number;
  /** The encoder throws for it. */
  bad?: boolean;
}

export function message(call: number, seq: number, size: number, bad = false): Message {
  return { id: 0, code: 0, call, seq, size, bad };
}

/** Bytes on the wire besides the filler: length, id, code, call, number of the item. */
export const HEADER: number = 4 + 8 + 1 + 4 + 4;

/** Length, id, code, call, number, filler; `onDecoded` hears of each message that arrives. */
export function codec(onDecoded: (message: Message) => void = () => {}): Codec<Message> {
  return {
    encoder: {
      encode({ id, code, call, seq, size, bad }, out) {
        if (bad) throw new TypeError("This message cannot be encoded");
        const at = out.reserve(HEADER + size);
        out.view.setUint32(at, HEADER + size);
        out.view.setFloat64(at + 4, Number(id));
        out.view.setUint8(at + 12, code);
        out.view.setUint32(at + 13, call);
        out.view.setUint32(at + 17, seq);
        out.bytes.fill((call + seq) & 255, at + HEADER, at + HEADER + size);
        out.offset = at + HEADER + size;
      },
    },
    decoder: {
      decode(bytes, offset): DecodeResult<Message> {
        if (bytes.length - offset < 4) return { kind: "incomplete", bytesNeeded: 4 };
        // By hand, as a view for each of the small pieces that arrive would cost more.
        const length = (bytes[offset]! << 24 | bytes[offset + 1]! << 16 |
          bytes[offset + 2]! << 8 | bytes[offset + 3]!) >>> 0;
        if (bytes.length - offset < length) return { kind: "incomplete", bytesNeeded: length };
        if (length < HEADER) return { kind: "invalid", reason: `a length of ${length}` };
        const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length);
        const decoded = {
          id: view.getFloat64(4),
          code: view.getUint8(12),
          call: view.getUint32(13),
          seq: view.getUint32(17),
          size: length - HEADER,
        };
        for (const at of [HEADER, (HEADER + length) >> 1, length - 1]) {
          if (
            at >= HEADER && at < length &&
            bytes[offset + at] !== ((decoded.call + decoded.seq) & 255)
          ) {
            return { kind: "invalid", reason: "the bytes of its filler are others" };
          }
        }
        onDecoded(decoded);
        return { kind: "message", message: decoded, bytesUsed: length };
      },
    },
  };
}

/** Where the ids are. Those of a `narrow` schema have room for 32 bits only. */
export function messagesOf(narrow: boolean): RpcMessages<Message, Message> {
  const fit = (id: RpcId) => narrow ? Number(id) >>> 0 : Number(id);
  const each: RpcMessage<Message> = {
    id: ({ id }) => id,
    setId: (message, id) => message.id = fit(id),
    code: ({ code }) => code,
    cancelled: (id) => ({ id: fit(id), code: 1, call: 0, seq: 0, size: 0 }),
    ended: (id) => ({ id: fit(id), code: 2, call: 0, seq: 0, size: 0 }),
  };
  return { request: each, response: each };
}
