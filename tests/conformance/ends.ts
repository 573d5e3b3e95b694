import { test } from "node:test";
import { randomBytes } from "../support/bytes.ts";
import { End } from "../support/end.ts";
import { soon } from "../support/within.ts";
import type { Adapter, Pair } from "./adapter.ts";

/** Registers a case that gets a fresh pair of ends, or one that is skipped for a gap. */
export function onPair(
  adapter: Adapter,
  name: string,
  run: (client: End, server: End) => Promise<void>,
  gap?: string,
): void {
  test(`${adapter.name}: ${name}`, gap === undefined ? {} : { skip: gap }, async () => {
    const pair = await soon(adapter.open(), "a pair to open");
    await using ends = hold(pair);
    await run(ends.client, ends.server);
  });
}

/** Holds the streams of a pair until the block ends. */
export function hold(pair: Pair): AsyncDisposable & { client: End; server: End } {
  const client = new End(pair.client);
  const server = new End(pair.server);
  return {
    client,
    server,
    async [Symbol.asyncDispose]() {
      client.drop();
      server.drop();
      await soon(pair.close(), "a pair to close");
    },
  };
}

/**
 * How many round trips without a change make something stand still: so many that they take longer
 * than the system waits with an acknowledgement, 40 ms, which a write may have to wait for.
 */
const ROUNDS = 512;

/**
 * Waits until `count` stands still, by the only clock that does not depend on how
 * busy the machine is: round trips over another pair of the same kind.
 */
export async function standstill(adapter: Adapter, count: () => number): Promise<number> {
  const pair = await adapter.open();
  await using clock = hold(pair);
  for (let before = -1, rounds = 0; rounds < ROUNDS; rounds++) {
    if (before !== count()) rounds = 0;
    before = count();
    await clock.client.write(new Uint8Array([1]));
    await clock.server.readExactly(1);
    await clock.server.write(new Uint8Array([1]));
    await clock.client.readExactly(1);
  }
  return count();
}

/** More than any transport holds. */
const OFFER = 512 * 1024 * 1024;
/** How much is written at a time. */
export const STEP: number = 64 * 1024;

/**
 * What a transport may take that nobody reads: what the kernel holds for a fast network, and
 * a bit. Linux lets a receive buffer grow to 32 MiB, the more the faster somebody has read.
 */
export function maxTaken({ holds = 48 * 1024 * 1024 }: Adapter): number {
  return holds;
}

/** Somebody who writes and writes. */
export class Flood {
  /** How many bytes the transport has taken. */
  taken = 0;
  /** The bytes that are sent again and again. */
  readonly chunk: Uint8Array = randomBytes(STEP, 7);
  /** Settles as the first write does that is not taken, or when all is. */
  readonly done: Promise<void>;
  #stopped = false;

  constructor(end: End) {
    this.done = this.#run(end);
    this.done.catch(() => {});
  }

  /** Lets the write that waits be the last. */
  stop(): void {
    this.#stopped = true;
  }

  async #run(end: End): Promise<void> {
    while (this.taken < OFFER && !this.#stopped) {
      await end.writer.write(this.chunk);
      this.taken += STEP;
    }
  }
}
