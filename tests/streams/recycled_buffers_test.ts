// A codec of one's own writes into memory that is used again, and never while it is read.
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { type Codec, Connection, type Duplex, EncodeBuffer } from "@protosocket/protosocket";
import { type Deferred, deferred, soon, turn } from "../support/within.ts";

/** A byte a message. */
const codec: Codec<number> = {
  decoder: {
    decode: (bytes, offset) =>
      offset < bytes.length
        ? { kind: "message", message: bytes[offset]!, bytesUsed: 1 }
        : { kind: "incomplete", bytesNeeded: 1 },
  },
  encoder: {
    encode(message, out) {
      const at = out.reserve(1);
      out.bytes[at] = message;
      out.offset = at + 1;
    },
  },
};

/** A transport that has taken a chunk when the test says so. */
function transport(returnsBuffers: boolean | undefined) {
  const writes: { chunk: Uint8Array; done: Deferred<void> }[] = [];
  let more = deferred();
  const duplex: Duplex = {
    readable: new ReadableStream(),
    writable: new WritableStream({
      write(chunk) {
        const done = deferred();
        writes.push({ chunk, done });
        more.resolve();
        return done.promise;
      },
    }),
    ...(returnsBuffers === undefined ? {} : { returnsBuffers }),
  };
  const next = async () => {
    while (writes.length === 0) await soon(more.promise, "a write");
    more = deferred();
    return writes.shift()!;
  };
  return { duplex, next };
}

test("recycled buffers: what is being written stays as it is, and is used again after", async () => {
  const { duplex, next } = transport(true);
  const connection = new Connection(duplex, {
    codec,
    reactor: () => ({ onInboundMessage() {} }),
  });
  for (const message of [1, 2, 3]) await connection.sender.send(message);
  const first = await next();
  for (const message of [4, 5, 6]) await connection.sender.send(message);
  await turn();
  assertEquals([...first.chunk], [1, 2, 3]);
  first.done.resolve();
  const second = await next();
  assertEquals([...second.chunk], [4, 5, 6]);
  assertEquals([...first.chunk], [4, 5, 6], "the memory is another");
  connection.abort();
});

for (const returnsBuffers of [false, undefined]) {
  test(`recycled buffers: not if the transport may keep them (${returnsBuffers})`, async () => {
    const { duplex, next } = transport(returnsBuffers);
    const connection = new Connection(duplex, {
      codec,
      reactor: () => ({ onInboundMessage() {} }),
    });
    const kept: Uint8Array[] = [];
    for (const message of [1, 2, 3]) {
      await connection.sender.send(message);
      const { chunk, done } = await next();
      kept.push(chunk);
      done.resolve();
    }
    assertEquals(kept.map((chunk) => [...chunk]), [[1], [2], [3]]);
    connection.abort();
  });
}

test("recycled buffers: a write that fails returns nothing", async () => {
  const { duplex, next } = transport(true);
  const connection = new Connection(duplex, {
    codec,
    reactor: () => ({ onInboundMessage() {} }),
  });
  await connection.sender.send(1);
  const { chunk, done } = await next();
  done.reject(new Error("broken"));
  assertEquals((await soon(connection.closed, "the end")).kind, "error");
  assertEquals([...chunk], [1]);
});

test("recycled buffers: an encoder that throws half-way leaves nothing in them", () => {
  const out = new EncodeBuffer();
  out.write(new Uint8Array([1]));
  out.release(out.take());
  const before = out.length;
  out.write(new Uint8Array([9, 9]));
  out.truncate(before);
  out.write(new Uint8Array([2]));
  assertEquals(out.take(), new Uint8Array([2]));
});
