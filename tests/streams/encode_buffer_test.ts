import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { EncodeBuffer } from "../../mod.ts";
import { assertSameBytes, randomBytes } from "../support/bytes.ts";

const KIB = 1024;

test("EncodeBuffer: what is written is taken, once", () => {
  const out = new EncodeBuffer();
  assertEquals(out.length, 0);
  out.write(new Uint8Array([1, 2]));
  out.write(new Uint8Array([3]));
  assertEquals(out.length, 3);
  assertEquals(out.take(), new Uint8Array([1, 2, 3]));
  assertEquals(out.length, 0);
  assertEquals(out.take(), new Uint8Array([]));
});

test("EncodeBuffer: reserve gives room and moves nothing", () => {
  const out = new EncodeBuffer();
  out.write(new Uint8Array([9]));
  const at = out.reserve(100);
  assertEquals([at, out.offset, out.length], [1, 1, 1]);
  assert(out.bytes.length >= at + 100);
  out.view.setUint16(at, 0x0102);
  out.offset += 2;
  assertEquals(out.take(), new Uint8Array([9, 1, 2]));
});

test("EncodeBuffer: bytes and view are the same memory, also after it has grown", () => {
  const out = new EncodeBuffer();
  for (const size of [1, 10, 10 * KIB, 500 * KIB]) {
    const at = out.reserve(size);
    assertStrictEquals(out.view.buffer, out.bytes.buffer);
    assertEquals(out.view.byteOffset, out.bytes.byteOffset);
    out.view.setUint8(at, size & 255);
    out.offset += size;
    assertEquals(out.bytes[at], size & 255);
  }
});

test("EncodeBuffer: bytes that were not taken move with it when it grows", () => {
  const out = new EncodeBuffer();
  const expected = randomBytes(300 * KIB);
  for (let at = 0, size = 1; at < expected.length; at += size, size = size * 2 % 5000) {
    out.write(expected.subarray(at, at + size));
  }
  assertSameBytes(out.take(), expected);
});

test("EncodeBuffer: what was taken is never written again", () => {
  const out = new EncodeBuffer();
  const taken: Uint8Array[] = [];
  const copies: Uint8Array[] = [];
  for (let seed = 1; seed <= 2000; seed++) {
    out.write(randomBytes(seed % 300, seed));
    out.reserve(seed % 700);
    const chunk = out.take();
    taken.push(chunk);
    copies.push(chunk.slice());
  }
  for (const [index, chunk] of taken.entries()) assertSameBytes(chunk, copies[index]!);
});

test("EncodeBuffer: truncate discards the end", () => {
  const out = new EncodeBuffer();
  out.write(new Uint8Array([1]));
  out.take();
  out.write(new Uint8Array([2, 3]));
  const before = out.length;
  out.write(randomBytes(10 * KIB));
  out.truncate(before);
  assertEquals(out.length, 2);
  out.write(new Uint8Array([4]));
  assertEquals(out.take(), new Uint8Array([2, 3, 4]));
});

test("EncodeBuffer: many small messages share one allocation", () => {
  const out = new EncodeBuffer();
  const memories = new Set<ArrayBufferLike>();
  for (let count = 0; count < 10_000; count++) {
    out.write(new Uint8Array(64));
    memories.add(out.take().buffer);
  }
  // 625 KiB in slabs that double from 1 KiB to 128 KiB.
  assert(memories.size <= 12, `${memories.size} allocations`);
});

test("EncodeBuffer: an idle one holds little, also after a large message", () => {
  const out = new EncodeBuffer();
  out.write(new Uint8Array(10));
  out.take();
  assertEquals(out.bytes.length, KIB);
  // Written in small steps, as encoders do, which makes the memory grow by doubling.
  for (let count = 0; count < 10 * KIB; count++) out.write(new Uint8Array(KIB + 1));
  out.take();
  assert(out.bytes.length <= 256 * KIB, `${out.bytes.length} bytes are held`);
});

test("EncodeBuffer: memory that was released is reused, and nothing else is", () => {
  const out = new EncodeBuffer();
  out.write(new Uint8Array(300));
  out.take();
  const memory = out.bytes.buffer;
  const first = out.bytes.subarray(0, 300);
  out.release(first);
  out.write(new Uint8Array([1, 2]));
  const second = out.take();
  assertEquals([second.buffer, second.byteOffset], [memory, 0]);

  // One of two is still read, or a message has begun: what follows goes behind.
  out.write(new Uint8Array([3]));
  const third = out.take();
  out.release(second);
  out.write(new Uint8Array([4]));
  out.release(third);
  const fourth = out.take();
  assertEquals(fourth.byteOffset, 3);
  assertEquals([...third, ...fourth], [3, 4]);
});

test("EncodeBuffer: releasing part of a slab that is no longer in use changes nothing", () => {
  const out = new EncodeBuffer();
  out.write(new Uint8Array(10));
  const old = out.take();
  out.write(new Uint8Array(10 * KIB));
  out.release(old);
  out.take();
  out.write(new Uint8Array([1]));
  const kept = out.take();
  out.release(old);
  out.write(new Uint8Array([2]));
  assertEquals([...kept, ...out.take()], [1, 2]);
});
