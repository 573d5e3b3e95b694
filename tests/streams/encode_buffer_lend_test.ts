import { test } from "node:test";
import { concat } from "@std/bytes";
import { assertEquals } from "@std/assert";
import { EncodeBuffer } from "../../mod.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { type Random, withSeeds } from "../support/random.ts";

const KIB = 1024;
const SIZES = [0, 1, 7, 200, 900, 5 * KIB, 63 * KIB, 64 * KIB, 100 * KIB, 300 * KIB];
const LENT = [0, 10, 64 * KIB - 1, 64 * KIB, 70 * KIB, 300 * KIB];

/** Does to a buffer what an encoder and a connection may do, and to an array of bytes the same. */
class Model {
  readonly out = new EncodeBuffer();
  /** What has been appended and not been taken. */
  appended: Uint8Array = new Uint8Array(0);
  /** What has been taken and not been released, and a copy of each. */
  readonly taken: { readonly chunk: Uint8Array; readonly copy: Uint8Array }[] = [];
  readonly lent: { readonly bytes: Uint8Array; readonly copy: Uint8Array }[] = [];
  readonly #random: Random;
  #next = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  step(): void {
    const { out } = this;
    const random = this.#random;
    switch (random.below(8)) {
      case 0:
      case 1: {
        const bytes = this.#bytes(random.pick(SIZES));
        out.write(bytes);
        return this.#append(bytes);
      }
      case 2: {
        const bytes = this.#bytes(random.pick(SIZES));
        const at = out.reserve(bytes.length + random.pick(SIZES));
        assertEquals(at, out.offset);
        out.bytes.set(bytes, at);
        out.offset += bytes.length;
        return this.#append(bytes);
      }
      case 3: {
        // A part of a larger memory, as decoded messages are.
        const bytes = this.#bytes(random.pick(LENT) + 5).subarray(5);
        this.lent.push({ bytes, copy: bytes.slice() });
        out.lend(bytes);
        return this.#append(bytes);
      }
      case 4: {
        const length = random.below(3) ? random.below(out.length + 1) : out.length;
        out.truncate(length);
        this.appended = this.appended.slice(0, length);
        return;
      }
      case 5:
      case 6: {
        const some = out.length > 0;
        const chunk = out.take();
        assertEquals(chunk.length > 0, some, "something is taken, if there is anything");
        assertSameBytes(chunk, this.appended.slice(0, chunk.length), "what is taken");
        this.appended = this.appended.slice(chunk.length);
        this.taken.push({ chunk, copy: chunk.slice() });
        return;
      }
      default: {
        if (this.taken.length === 0) return;
        const at = random.below(2) ? 0 : random.below(this.taken.length);
        const [{ chunk, copy }] = this.taken.splice(at, 1) as [Model["taken"][0]];
        assertSameBytes(chunk, copy, "what is released");
        return out.release(chunk);
      }
    }
  }

  /** What must hold after each step. */
  check(): void {
    assertEquals(this.out.length, this.appended.length);
  }

  /** Takes the rest; nothing that was taken before, or lent, has been written meanwhile. */
  end(): void {
    const rest: Uint8Array[] = [];
    while (this.out.length > 0) rest.push(this.out.take());
    assertSameBytes(concat(rest), this.appended, "the rest");
    for (const { chunk, copy } of this.taken) assertSameBytes(chunk, copy, "what was taken");
    for (const { bytes, copy } of this.lent) assertSameBytes(bytes, copy, "what was lent");
  }

  #append(bytes: Uint8Array): void {
    this.appended = concat([this.appended, bytes]);
  }

  /** Bytes unlike those before. */
  #bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.#next++ % 251;
    return bytes;
  }
}

test("EncodeBuffer: any mix of writing, lending, truncating, taking and releasing", async () => {
  await withSeeds(30, (random) => {
    const model = new Model(random);
    for (let steps = 10 + random.below(60); steps > 0; steps--) {
      model.step();
      model.check();
    }
    model.end();
    return Promise.resolve();
  });
});

test("EncodeBuffer: a message that fails after it has lent leaves what was before it", () => {
  const out = new EncodeBuffer();
  const large = new Uint8Array(64 * KIB).fill(9);
  out.write(new Uint8Array([1, 2]));
  out.lend(large);
  out.write(new Uint8Array([3]));
  const before = out.length;
  out.write(new Uint8Array([4]));
  out.lend(large);
  out.write(new Uint8Array([5]));
  out.truncate(before);
  out.write(new Uint8Array([6]));
  const parts: number[] = [];
  while (out.length > 0) parts.push(...out.take().filter((byte) => byte !== 9));
  assertEquals(parts, [1, 2, 3, 6]);
});

test("EncodeBuffer: a large slab of which one part was released is not written while another is out", () => {
  const out = new EncodeBuffer();
  out.write(new Uint8Array(300 * KIB).fill(1));
  out.lend(new Uint8Array(64 * KIB));
  out.write(new Uint8Array(10).fill(1));
  const [before, , after] = [out.take(), out.take(), out.take()];
  assertEquals(before.buffer, after.buffer);
  out.release(before);
  out.write(new Uint8Array(500 * KIB).fill(2));
  assertEquals(after, new Uint8Array(10).fill(1));
});
