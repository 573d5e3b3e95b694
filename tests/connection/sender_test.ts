import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Connection, type Encoder } from "../../mod.ts";
import { lengthDelimited } from "../../src/codecs/length_delimited.ts";
import { Peer, peers } from "../support/connections.ts";
import { framesCodec } from "../support/framing.ts";
import { quiet } from "../support/quiet.ts";
import { ScriptedDuplex } from "../support/scripted_duplex.ts";
import { soon, turn } from "../support/within.ts";

const QUEUE = 4;

test("Sender: what is sent without waiting in between leaves in one chunk", async () => {
  const duplex = new ScriptedDuplex();
  const { sender } = new Peer(duplex);
  for (let at = 0; at < 100; at++) at % 2 ? sender.trySend([at]) : sender.send([at]);
  await duplex.until(() => duplex.chunks.length > 0, "a chunk");
  await turn();
  assertEquals(duplex.chunks.length, 1);
  assertEquals(duplex.written.length, 200);
});

test("Sender: answers to one batch leave in one chunk, also if the reactor returns the promise", async () => {
  for (const wait of [true, false]) {
    const duplex = new ScriptedDuplex();
    const connection = new Connection<number[]>(duplex, {
      codec: framesCodec(),
      reactor: (sender) => ({
        onInboundMessage: (message) => wait ? sender.send(message) : void sender.trySend(message),
      }),
    });
    const batch = Array.from({ length: 100 }, (_, at) => [1, at]).flat();
    duplex.arrive(...batch);
    await duplex.until(() => duplex.written.length === 200, "the answers");
    assertEquals(duplex.chunks, [new Uint8Array(batch)]);
    connection.abort();
  }
});

test("Sender: a lone message does not wait for others", async () => {
  const duplex = new ScriptedDuplex();
  const { sender } = new Peer(duplex);
  await sender.send([1]);
  await duplex.until(() => duplex.chunks.length === 1, "a chunk");
  await sender.send([2]);
  await duplex.until(() => duplex.chunks.length === 2, "another chunk");
});

test("Sender: each holder's messages stay in order, however they are sent", async () => {
  const [a, b] = peers({}, {}, { maxQueuedMessages: 3, capacity: 8, chunkSize: 3 });
  const holder = async (id: number) => {
    for (let at = 0; at < 50; at++) {
      if (at % 3 === 0 && a.sender.trySend([id, at])) continue;
      await a.sender.send([id, at]);
    }
  };
  await soon(Promise.all([1, 2, 3].map(holder)), "all holders");
  await a.connection.close();
  for (const id of [1, 2, 3]) {
    const own = b.received.filter(([from]) => from === id).map(([, at]) => at);
    assertEquals(own, Array.from({ length: 50 }, (_, at) => at));
  }
});

test("Sender: onOutboundMessage turns what was sent into the message, when it leaves", async () => {
  const duplex = new ScriptedDuplex();
  duplex.block();
  const turned: string[] = [];
  const connection = new Connection<number[], number[], string>(duplex, {
    codec: framesCodec(),
    maxQueuedMessages: QUEUE,
    reactor: () => ({
      onInboundMessage: () => {},
      onOutboundMessage(text) {
        turned.push(text);
        return [text.length];
      },
    }),
  });
  await connection.sender.send("a");
  await duplex.until(() => duplex.chunks.length === 1, "the first chunk");
  await turn();
  connection.sender.trySend("bb");
  await turn();
  connection.sender.trySend("ccc");
  await turn();
  assert(!turned.includes("ccc"), "it was turned before there was room to send");
  duplex.unblock();
  await duplex.until(() => duplex.written.length === 6, "all messages");
  assertEquals(turned, ["a", "bb", "ccc"]);
  assertEquals(duplex.written, new Uint8Array([1, 1, 1, 2, 1, 3]));
  connection.abort();
});

test("Sender: a batch ends at about 64 KiB, and the rest stays in the queue", async () => {
  const duplex = new ScriptedDuplex();
  duplex.block();
  let left = 0;
  const connection = new Connection<Uint8Array>(duplex, {
    codec: lengthDelimited(),
    reactor: () => ({ onInboundMessage: () => {}, onOutboundMessage: (m) => (left++, m) }),
  });
  for (let at = 0; at < 100; at++) connection.sender.trySend(new Uint8Array(10_000));
  await quiet(() => left);
  // One batch waits for the transport and one for the encoder's room, seven messages each.
  assert(left <= 14, `${left} messages of 10,000 bytes have left the queue`);
  assertEquals(connection.sender.queued, 100 - left);
  connection.abort();
});

test("Sender: a queue that is never empty loses nothing", async () => {
  // A message fills a batch, so that others always wait; and it costs nothing to write.
  const encoder: Encoder<number> = {
    encode(message, out) {
      const at = out.reserve(64 * 1024);
      out.view.setUint32(at, message);
      out.offset += 64 * 1024;
    },
  };
  const received: number[] = [];
  const writable = new WritableStream<Uint8Array>({
    write({ buffer, byteOffset }) {
      // Sent again and again, they would let nothing else have its turn.
      assert(received.length < 10_000, "more came than was sent");
      received.push(new DataView(buffer, byteOffset).getUint32(0));
    },
  });
  const connection = new Connection<number[], number>(
    { readable: new ReadableStream(), writable },
    {
      codec: { decoder: framesCodec().decoder, encoder },
      reactor: () => ({ onInboundMessage: () => {} }),
      maxQueuedMessages: 8,
    },
  );
  const count = 5000;
  for (let at = 0; at < count; at++) {
    await connection.sender.send(at);
    if (at > 100) assert(connection.sender.queued > 0, "the queue was empty");
  }
  const writes = quiet(() => received.length);
  assertEquals(await soon(writes, "the writes"), count);
  assertEquals(received, Array.from({ length: count }, (_, at) => at));
  connection.abort();
});
