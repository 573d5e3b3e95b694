import type { Duplex } from "@protosocket/protosocket";
import { concat } from "@std/bytes";
import { turn } from "./within.ts";

/** What befalls the bytes of one direction. All is counted in bytes from its beginning. */
export interface Faults {
  /** How many bytes are forwarded at a time, at most. */
  readonly split?: number;
  /** So many bytes are gathered, or as many as come within a turn, and handed on as one. */
  readonly merge?: number;
  /** Milliseconds that each piece is held back. */
  readonly delay?: number;
  /** The byte that has all its bits turned. */
  readonly corruptAt?: number;
  /** After this many bytes nothing more is forwarded, silently. */
  readonly stallAt?: number;
  /** After so many bytes the connection is cut. */
  readonly cutAt?: number;
  /**
   * How it is cut. `end`: the receiver is told that no more will come, and what the
   * sender still sends is lost. `reset`: both directions break.
   */
  readonly cut?: "end" | "reset";
  /** Called with what is forwarded. */
  readonly onCarried?: (bytes: Uint8Array) => void;
}

/** What carries bytes between two duplexes. */
export interface Relay {
  /** Settles, and never rejects, when nothing is carried any more. */
  readonly done: Promise<void>;
  /** Breaks both ends. */
  reset(): void;
}

const ignore = () => {};

/** Joins two duplexes: `there` befalls what comes from `a`, `back` what comes from `b`. */
export function relay(a: Duplex, b: Duplex, faults: { there?: Faults; back?: Faults }): Relay {
  const ends = [a, b].map(({ readable, writable }) => {
    const end = { reader: readable.getReader(), writer: writable.getWriter() };
    // Whoever reads and writes hears of it there.
    for (const settled of [end.reader.closed, end.writer.closed]) settled.catch(ignore);
    return end;
  });
  const [left, right] = ends as [End, End];
  let release = ignore;
  const over = new Promise<void>((resolve) => release = resolve);
  const reset = () => {
    release();
    for (const { reader, writer } of ends) {
      writer.abort(new Error("the network broke")).catch(ignore);
      reader.cancel().catch(ignore);
    }
  };
  const ways = [
    carry(left, right, faults.there ?? {}, reset, over),
    carry(right, left, faults.back ?? {}, reset, over),
  ];
  // One end that breaks is not to leave the other open.
  const done = Promise.all(ways.map((way) => way.catch(reset))).then(ignore);
  return { done, reset };
}

interface End {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
}

async function carry(
  from: End,
  to: End,
  faults: Faults,
  reset: () => void,
  over: Promise<void>,
): Promise<void> {
  const { split = Infinity, delay = 0, corruptAt = -1, stallAt = Infinity } = faults;
  const { cutAt = Infinity, cut = "reset", merge = 0 } = faults;
  const source = new Source(from.reader);
  let at = 0;
  for (;;) {
    if (at === cutAt) {
      // What was carried before is to arrive: a reset would drop what has not been read.
      await turn();
      if (cut === "reset") return reset();
      await to.writer.close();
      while (await source.read());
      return;
    }
    if (at === stallAt) return over;
    const chunk = await source.gather(merge);
    if (chunk === undefined) return to.writer.close();
    for (let start = 0; start < chunk.length && at < cutAt && at < stallAt;) {
      const size = Math.min(split, chunk.length - start, cutAt - at, stallAt - at);
      const piece = chunk.slice(start, start + size);
      if (corruptAt >= at && corruptAt < at + size) piece[corruptAt - at]! ^= 0xff;
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
      await to.writer.write(piece);
      start += size;
      at += size;
      faults.onCarried?.(piece);
    }
  }
}

/** Reads chunks, or gathers them. */
class Source {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** A read that was begun for more than had come. */
  #begun: ReturnType<Source["read"]> | undefined;

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
    this.#reader = reader;
  }

  /** The next chunk; undefined at the end. */
  async read(): Promise<Uint8Array | undefined> {
    const begun = this.#begun;
    this.#begun = undefined;
    return begun ? await begun : (await this.#reader.read()).value;
  }

  /** The next chunk and those that come each within a turn, up to `size` bytes or so. */
  async gather(size: number): Promise<Uint8Array | undefined> {
    const first = await this.read();
    if (first === undefined || first.length >= size) return first;
    const chunks = [first];
    for (let length = first.length; length < size;) {
      const next = this.read();
      next.catch(ignore);
      const within = turn();
      const more = await Promise.race([next, within]).catch(ignore);
      // No timer is left behind.
      await within;
      if (!more) {
        this.#begun = next;
        break;
      }
      chunks.push(more);
      length += more.length;
    }
    return concat(chunks);
  }
}
