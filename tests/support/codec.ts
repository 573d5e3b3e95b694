import { type Codec, DecoderStream, EncodeBuffer } from "@protosocket/protosocket";
import { assertEquals, fail } from "@std/assert";
import { concat } from "@std/bytes";

/** The bytes of one message after another. */
export function encodeAll<Message>(
  codec: Codec<unknown, Message>,
  ...messages: Message[]
): Uint8Array {
  const out = new EncodeBuffer();
  for (const message of messages) codec.encoder.encode(message, out);
  return takeAll(out);
}

/** All that has been appended, which is in several parts if some of it was lent. */
export function takeAll(out: EncodeBuffer): Uint8Array {
  const parts: Uint8Array[] = [];
  while (out.length > 0) parts.push(out.take());
  return parts.length === 1 ? parts[0]! : concat(parts);
}

/** The one message that is all of `bytes`. */
export function decodeOne<Message>(codec: Codec<Message, never>, bytes: Uint8Array): Message {
  const result = codec.decoder.decode(bytes, 0);
  if (result.kind !== "message") fail(`Not a message: ${JSON.stringify(result)}`);
  assertEquals(result.bytesUsed, bytes.length);
  return result.message;
}

/** All messages in chunks of bytes, and the error that ends them, if one does. */
export async function decodeAll<Message>(
  codec: Codec<Message, never>,
  chunks: Uint8Array[],
  maxBufferLength?: number,
): Promise<{ messages: Message[]; error?: unknown }> {
  const bytes = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const messages: Message[] = [];
  const options = maxBufferLength === undefined ? {} : { maxBufferLength };
  const batches = bytes.pipeThrough(new DecoderStream(codec.decoder, options)).getReader();
  try {
    for (;;) {
      const { done, value } = await batches.read();
      if (done) return { messages };
      messages.push(...value);
    }
  } catch (error) {
    return { messages, error };
  }
}

/** Bytes written as hexadecimal digits, with spaces wherever they help. */
export function fromHex(hex: string): Uint8Array {
  const pairs = hex.replaceAll(/\s/g, "").match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** Several byte arrays as one. */
export function joined(...parts: (Uint8Array | number[])[]): Uint8Array {
  return concat(parts.map((part) => Uint8Array.from(part)));
}
