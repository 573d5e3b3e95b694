// What cutting new slabs costs beside writing into one buffer again and again.
//
//   deno run -A bench/encode_buffer.ts      bun bench/encode_buffer.ts      npx tsx bench/encode_buffer.ts
//
// Writes messages in batches of 64 into an EncodeBuffer that gets nothing back, as over a
// transport that may keep what it is given, into one that gets each batch back, as over a
// socket, and into one array, the least that it could cost. Prints nanoseconds a message,
// the best of seven rounds in turns.
import { EncodeBuffer } from "@protosocket/protosocket";
import { inTurns } from "./in_turns.ts";
import { columns } from "./report/table.ts";

const BATCH = 64;
const BYTES_A_ROUND = 1 << 28;
const ROUNDS = 7;

function kept(message: Uint8Array, messages: number): number {
  const out = new EncodeBuffer();
  let sum = 0;
  for (let i = 0; i < messages; i++) {
    out.write(message);
    if (i % BATCH === BATCH - 1) sum += out.take().length;
  }
  return sum;
}

function released(message: Uint8Array, messages: number): number {
  const out = new EncodeBuffer();
  let sum = 0;
  for (let i = 0; i < messages; i++) {
    out.write(message);
    if (i % BATCH !== BATCH - 1) continue;
    const taken = out.take();
    sum += taken.length;
    out.release(taken);
  }
  return sum;
}

function array(message: Uint8Array, messages: number): number {
  const bytes = new Uint8Array(BATCH * message.length);
  let sum = 0;
  let offset = 0;
  for (let i = 0; i < messages; i++) {
    bytes.set(message, offset);
    offset += message.length;
    if (i % BATCH === BATCH - 1) {
      sum += bytes.subarray(0, offset).length;
      offset = 0;
    }
  }
  return sum;
}

const lines = [16, 64, 1024, 2048].map((size) => {
  const message = new Uint8Array(size);
  const messages = Math.min(BYTES_A_ROUND / size, 4_000_000);
  const works = [kept, released, array].map((way) => () => (way(message, messages), messages));
  return [String(size), ...inTurns(works, ROUNDS).map((ns) => ns.toFixed(1))];
});
console.log(columns([["message bytes", "kept ns", "released ns", "array ns"], ...lines], 0));
