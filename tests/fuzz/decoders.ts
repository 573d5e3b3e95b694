// What holds of every decoder, whatever bytes come, in whatever pieces.
import { concat } from "@std/bytes";
import fc from "fast-check";
import {
  type Codec,
  ConnectionError,
  type ConnectionErrorCode,
  DecoderStream,
  type DecoderStreamOptions,
  EncodeBuffer,
} from "@protosocket/protosocket";
import { countCopies } from "../support/count_copies.ts";
import { canonical } from "./canonical.ts";
import type { Subject } from "./codecs.ts";

/** Bytes on the wire, and how they come. */
interface Input {
  readonly messages: readonly unknown[];
  /** Bytes that are written over others: where, of a thousand, and what. */
  readonly edits: readonly (readonly [where: number, byte: number])[];
  /** How many bytes, of a thousand, are there at all. */
  readonly whole: number;
  /** Bytes that follow. */
  readonly tail: Uint8Array;
  /** Where the bytes are cut, of a thousand. */
  readonly cuts: number[];
  readonly maxBufferLength: number;
  /** How many messages a batch of the pieces may have. */
  readonly maxBatchLength: number;
}

const LARGE = 65536;
const thousandth = fc.nat({ max: 1000 });
/** What often begins a length or a form, and any other byte. */
const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xc1, 0xce, 0xdb, 0xdd, 0xff), fc.nat(255));

function input({ message }: Subject): fc.Arbitrary<Input> {
  const untouched = { edits: fc.constant([]), whole: fc.constant(1000) };
  const each = {
    messages: fc.array(message, { maxLength: 4 }),
    edits: fc.array(fc.tuple(thousandth, byte), { maxLength: 3 }),
    whole: fc.oneof(fc.constant(1000), thousandth),
    tail: fc.array(byte, { maxLength: 30 }).map((bytes) => Uint8Array.from(bytes)),
    cuts: fc.array(thousandth, { maxLength: 6 }),
    maxBufferLength: fc.constantFrom(1, 5, 20, 100, LARGE),
    maxBatchLength: fc.constantFrom(1, 2, LARGE),
  };
  const tail = fc.constant(new Uint8Array());
  const maxBufferLength = fc.constant(LARGE);
  return fc.oneof(
    fc.record(each),
    fc.record({ ...each, ...untouched, tail, maxBufferLength }),
    fc.record({ ...each, messages: fc.constant([]) }),
  );
}

/** What a stream made of bytes. */
interface Decoded {
  readonly messages: string[];
  readonly code?: ConnectionErrorCode;
}

/** A peer can do no more than this; any other code blames our own side. */
const CODES: ConnectionErrorCode[] = ["invalid-message", "message-too-large", "truncated"];

async function decode(
  { plain }: Subject,
  codec: Codec<unknown>,
  chunks: Uint8Array[],
  limits: DecoderStreamOptions,
): Promise<Decoded> {
  const stream = new DecoderStream(codec.decoder, limits);
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  for (const chunk of chunks) writer.write(chunk).catch(() => {});
  writer.close().catch(() => {});
  // The reader is told, too.
  writer.closed.catch(() => {});
  const messages: unknown[] = [];
  // Only now, for what came before must not be changed by what came later.
  const told = () => messages.map((message) => canonical(plain(message)));
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { messages: told() };
      messages.push(...value);
    }
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    if (CODES.includes(error.code)) return { messages: told(), code: error.code };
    throw error;
  }
}

/** The same, but that bytes which are both may be found too many or invalid first. */
function alike(one: Decoded, other: Decoded): boolean {
  const either = ({ code }: Decoded) => code === "message-too-large" ? "invalid-message" : code;
  return either(one) === either(other) && one.messages.join("\n") === other.messages.join("\n");
}

/** That the pieces make no difference, that what is sent arrives, and that nothing else is thrown. */
export function decodesAlike(subject: Subject): fc.IAsyncPropertyWithHooks<[Input]> {
  return fc.asyncProperty(input(subject), async ({ messages, edits, tail, ...rest }) => {
    const codec = subject.codec();
    const out = new EncodeBuffer();
    for (const message of messages) codec.encoder.encode(message, out);
    const sent = messages.length > 0 ? out.take() : new Uint8Array();
    const at = (where: number, of: number) => Math.floor(where * of / 1000);
    const kept = sent.slice(0, at(rest.whole, sent.length));
    const bytes = concat([kept, tail]);
    for (const [where, byte] of edits) {
      bytes[Math.min(at(where, bytes.length), bytes.length - 1)] = byte;
    }
    const before = canonical(bytes);

    const places = rest.cuts.map((where) => at(where, bytes.length)).sort((a, b) => a - b);
    const pieces = [...places, bytes.length].map((end, i) =>
      bytes.subarray(places[i - 1] ?? 0, end)
    );
    const single = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
    const { maxBufferLength } = rest;
    const whole = await decode(subject, codec, [bytes], { maxBufferLength });
    for (const chunks of [pieces, single]) {
      const split = await decode(subject, subject.codec(), chunks, rest);
      if (!alike(split, whole)) throw new Error(`${show(split)} in pieces, ${show(whole)} whole`);
    }
    if (canonical(bytes) !== before) throw new Error("The decoder has changed the bytes");
    if (bytes.length > sent.length || before !== canonical(sent)) return;
    if (rest.maxBufferLength < LARGE) return;
    const expected = { messages: messages.map((message) => canonical(subject.plain(message))) };
    if (!alike(whole, expected)) throw new Error(`${show(whole)} came of ${show(expected)}`);
  });
}

function show({ messages, code }: Decoded): string {
  return `[${messages.join(", ")}] and ${code ?? "the end"}`;
}

/** That a few bytes, whatever they announce, set no more aside than a multiple of themselves. */
export function allocatesLittle(subject: Subject): fc.IAsyncPropertyWithHooks<[Uint8Array]> {
  const announced = fc.array(byte, { minLength: 1, maxLength: 60 });
  return fc.asyncProperty(announced.map((bytes) => Uint8Array.from(bytes)), async (bytes) => {
    const single = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
    const { allocated } = await countCopies(1e6, async () => {
      await decode(subject, subject.codec(), single, { maxBufferLength: 2 ** 32 });
    });
    const most = bytes.length * 8 + 256;
    if (allocated > most) throw new Error(`${allocated} bytes allocated, expected ${most}`);
  });
}
