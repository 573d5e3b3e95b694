// Large byte fields are lent, not copied: the bytes on the wire are the same, whatever comes
// before, around and after them.
import { create } from "@bufbuild/protobuf";
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { assert, assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import fc from "fast-check";
import { test } from "node:test";
import { type Codec, Connection, duplexPair, EncodeBuffer } from "@protosocket/protosocket";
import {
  any,
  type AnyValue,
  bytes,
  extension,
  messagePack,
  string,
  struct,
} from "@protosocket/protosocket/messagepack";
import { protobuf } from "@protosocket/protosocket/protobuf";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { tsProto } from "@protosocket/protosocket/ts-proto";
import { assertSameBytes } from "../support/bytes.ts";
import { takeAll } from "../support/codec.ts";
import { countCopies } from "../support/count_copies.ts";
import * as proto3 from "../support/proto/gen/proto3_pb.ts";
import { ScriptedFace } from "../support/scripted_face.ts";
import { deferred, soon, turn } from "../support/within.ts";

const KIB = 1024;
const LENT = 64 * KIB;
const SIZES = [0, 1, 100, 127, 128, 300, 16_383, 16_384, LENT - 1, LENT, LENT + 1, 70_000];

/** Copies what it is told to lend. */
class Copying extends EncodeBuffer {
  override lend(bytes: Uint8Array): void {
    this.write(bytes);
  }
}

const blob = fc.tuple(fc.constantFrom(...SIZES), fc.nat(255), fc.boolean()).map(
  ([size, fill, asBuffer]) => {
    // A part of a larger memory, as what was received is.
    const bytes = new Uint8Array(size + 3).fill(fill).subarray(3);
    const { Buffer } = globalThis as { Buffer?: { from(...of: unknown[]): Uint8Array } };
    return asBuffer && Buffer ? Buffer.from(bytes.buffer, 3, size) : bytes;
  },
);

/** Bytes beside bytes, and inside of one another. */
type Tree = Uint8Array | string | readonly Tree[];
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    blob,
    fc.string({ maxLength: 200 }),
    fc.array(tie("tree"), { maxLength: 4 }),
  ),
}));

/** Messages of a codec, from trees. */
interface Case<Message> {
  readonly name: string;
  readonly codec: Codec<unknown, Message>;
  readonly message: (of: Tree) => Message;
}

const cases = [
  {
    name: "ts-proto",
    codec: tsProto({ decode: () => undefined }, {
      encode(of: Tree, writer): BinaryWriter {
        return write(of, writer as BinaryWriter);
      },
    }),
    message: (of: Tree) => of,
  } satisfies Case<Tree>,
  {
    name: "protobuf-es",
    codec: protobufEs(proto3.ListsSchema, proto3.ListsSchema),
    message: (of: Tree) => create(proto3.ListsSchema, { bytes: blobsOf(of), string: ["x"] }),
  },
  {
    name: "protobuf-es, in maps",
    codec: protobufEs(proto3.MapsSchema, proto3.MapsSchema),
    message: (of: Tree) =>
      create(proto3.MapsSchema, {
        sint64Bytes: Object.fromEntries(blobsOf(of).map((blob, at) => [at, blob])),
      }),
  },
  {
    name: "protobuf-es, in messages",
    codec: protobufEs(proto3.KnownSchema, proto3.KnownSchema),
    message: (of: Tree) => create(proto3.KnownSchema, { bytes: blobsOf(of)[0] }),
  },
  {
    name: "protobuf",
    codec: protobuf<unknown, Uint8Array>({ decode: () => undefined }, {
      encode: (bytes) => ({ finish: () => bytes }),
    }),
    message: (of: Tree) => blobsOf(of)[0] ?? new Uint8Array(1),
  },
  {
    name: "MessagePack",
    codec: messagePack(any, any),
    message: (of: Tree) => of as AnyValue,
  },
  {
    name: "MessagePack, an extension",
    codec: messagePack(extension, extension),
    message: (of: Tree) => ({ type: 1, data: blobsOf(of)[0] ?? new Uint8Array(0) }),
  },
] as Case<unknown>[];

for (const { name, codec, message } of cases) {
  test(`lending: ${name}: the bytes are the same as if all were copied`, () => {
    fc.assert(
      fc.property(fc.array(tree, { minLength: 1, maxLength: 3 }), (trees) => {
        const [lending, copying] = [new EncodeBuffer(), new Copying()];
        for (const of of trees) {
          for (const out of [lending, copying]) {
            // One that fails after it has lent leaves the others whole.
            const before = out.length;
            codec.encoder.encode(message(of), out);
            out.truncate(before);
            codec.encoder.encode(message(of), out);
          }
          assertEquals(lending.length, copying.length);
        }
        assertSameBytes(takeAll(lending), takeAll(copying));
      }),
      { numRuns: 60 },
    );
  });
}

function write(of: Tree, writer: BinaryWriter): BinaryWriter {
  if (typeof of === "string") return writer.tag(1, 2).string(of);
  if (of instanceof Uint8Array) return writer.tag(2, 2).bytes(of);
  writer.tag(300, 2).fork();
  for (const item of of) write(item, writer);
  return writer.join();
}

function blobsOf(of: Tree): Uint8Array[] {
  if (typeof of === "string") return [];
  return of instanceof Uint8Array ? [of] : of.flatMap((item) => blobsOf(item));
}

const Blob = struct("Blob", { name: string, bytes });

test("lending: a field of 64 KiB is passed on itself, a smaller one is copied", () => {
  const codec = messagePack(Blob, Blob);
  for (const size of [LENT - 1, LENT]) {
    const out = new EncodeBuffer();
    const bytes = new Uint8Array(size);
    codec.encoder.encode({ name: "a", bytes }, out);
    const memories: unknown[] = [];
    while (out.length > 0) memories.push(out.take().buffer);
    assertEquals(memories.includes(bytes.buffer), size === LENT);
  }
});

test("lending: once a message has arrived in order, its bytes may be changed", async () => {
  const [here, there] = duplexPair();
  const codec = messagePack(Blob, Blob);
  const arrived: Uint8Array[] = [];
  let next = deferred();
  await using _server = new Connection(there, {
    codec,
    reactor: () => ({
      onInboundMessage({ bytes }) {
        arrived.push(bytes);
        next.resolve();
      },
    }),
  });
  await using client = new Connection(here, {
    codec,
    reactor: () => ({ onInboundMessage() {} }),
  });
  const bytes = new Uint8Array(3 * LENT);
  for (let round = 1; round <= 3; round++) {
    next = deferred();
    await client.sender.send({ name: "a", bytes: bytes.fill(round) });
    await soon(next.promise, "the message");
  }
  for (const [at, { length }] of arrived.entries()) {
    assertEquals(length, 3 * LENT);
    assert(arrived[at]!.every((byte) => byte === at + 1), `message ${at} has changed`);
  }
});

test("lending: a server that answers with 16 MiB of bytes holds them twice at most", async () => {
  const codec = messagePack(Blob, Blob);
  const out = new EncodeBuffer();
  codec.encoder.encode({ name: "a", bytes: new Uint8Array(16 * KIB * KIB).fill(7) }, out);
  const request = takeAll(out);
  const face = new ScriptedFace();
  const done = deferred();
  const server = new Connection(face, {
    codec,
    maxBufferLength: 2 * request.length,
    reactor: (sender) => ({
      onInboundMessage(message) {
        sender.trySend(message);
        done.resolve();
      },
    }),
  });
  // What arrives is a copy too, which is not counted here.
  const { allocated } = await countCopies(2 * request.length, async () => {
    for (let at = 0; at < request.length; at += LENT) {
      face.arrive(request.subarray(at, at + LENT));
    }
    await soon(done.promise, "the request");
    await turn();
  });
  assertSameBytes(concat(face.chunks), request);
  assert(allocated <= request.length + 4 * LENT, `${allocated} bytes were allocated`);
  server.abort();
});
