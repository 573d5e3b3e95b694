// What a peer can make a connection hold by not reading, in memory.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { Connection, type ConnectionConfig, duplexPair } from "@protosocket/protosocket";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { End } from "../support/end.ts";
import { quiet } from "../support/quiet.ts";
import { body, clientAndPeer, normal, serverAndPeer } from "../support/rpc.ts";
import { deferred, outcome, soon } from "../support/within.ts";

const KIB = 1024;
const codec = lengthDelimited();

/** An echo, unless `config` has another reactor, and the other end. */
function open(config: Partial<ConnectionConfig<Uint8Array>> = {}) {
  const [here, there] = duplexPair();
  const connection = new Connection<Uint8Array>(here, {
    codec,
    reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
    ...config,
  });
  return { connection, end: new End(there) };
}

/** A message of so many bytes, with its length. */
function framed(length: number): Uint8Array {
  const message = new Uint8Array(length).fill(1);
  message.set([(length - 3) % 128 | 128, (length - 3 >> 7) % 128 | 128, length - 3 >> 14]);
  return message;
}

/** Writes messages without end; counts the bytes that were taken. */
function offer(end: End, message: Uint8Array): { readonly taken: number; stop(): void } {
  const offered = { taken: 0, stopped: false, stop: () => void (offered.stopped = true) };
  outcome((async () => {
    for (; !offered.stopped; offered.taken += message.length) await end.writer.write(message);
  })());
  return offered;
}

test("held: a chunk of tiny messages is decoded as they are taken, one or a batch at a time", async () => {
  let decoded = 0;
  const count = 64 * KIB;
  const [working, done] = [deferred(), deferred()];
  let received = 0;
  const { connection, end } = open({
    codec: {
      ...codec,
      decoder: { decode: (...args) => (decoded++, codec.decoder.decode(...args)) },
    },
    reactor: () => ({
      onInboundMessage() {
        if (++received === count) done.resolve();
        return received === 1 ? working.promise : undefined;
      },
    }),
  });
  // Each byte is a message without a body.
  await end.write(new Uint8Array(count));
  // A connection over streams has a batch decoded ahead.
  const ahead = duplexPair()[0].attach ? 1 : 1024;
  assertEquals([await quiet(() => decoded), received], [ahead, 1]);
  working.resolve();
  await soon(done.promise, "all messages");
  assertEquals(decoded, count);
  connection.abort();
});

test("held: maxPipelinedBytes limits what is read from a peer that reads nothing", async () => {
  const message = framed(20 * KIB);
  const { connection, end } = open({ maxPipelinedBytes: 200 * KIB });
  const offered = offer(end, message);
  const taken = await quiet(() => offered.taken);
  // Besides, the two directions of the pair hold 64 KiB each, and one write is under way.
  assert(taken > 200 * KIB && taken < 600 * KIB, `${taken} bytes were taken`);
  // As soon as it reads, all goes on.
  for (let read = 0; read < 2000 * KIB;) {
    const { value } = await soon(end.reader.read(), "more of the echo");
    read += value!.length;
  }
  assert(offered.taken > 1900 * KIB, `${offered.taken} bytes were taken`);
  offered.stop();
  connection.abort();
});

test("held: without maxPipelinedBytes as many messages are read as may be queued", async () => {
  const { connection, end } = open({ maxQueuedMessages: 100 });
  const offered = offer(end, framed(20 * KIB));
  const taken = await quiet(() => offered.taken);
  assert(taken > 2000 * KIB && taken < 2600 * KIB, `${taken} bytes were taken`);
  connection.abort();
});

test("held: a peer that is sent nothing, or has read everything, may send without limit", async () => {
  let received = 0;
  const { connection, end } = open({
    maxPipelinedBytes: 1,
    reactor: (sender) => ({
      onInboundMessage: (message) => ++received % 10 === 1 ? sender.send(message) : undefined,
    }),
  });
  for (let i = 0; i < 50; i++) {
    await end.write(framed(20 * KIB));
    if (i % 10 === 0) await end.readExactly(20 * KIB);
  }
  await end.close();
  await end.readAll();
  assertEquals([received, await connection.closed], [50, { kind: "peer" }]);
});

test("held: RPCs whose responses nobody reads are bounded in bytes, and continue once they are read", async () => {
  let handled = 0;
  const { connection, peer } = serverAndPeer(({ body: asked }) => {
    handled++;
    return handled % 2 === 0 ? Promise.resolve(body(asked)) : body(asked);
  }, { maxPipelinedBytes: 200 * KIB });
  const big = "x".repeat(20 * KIB);
  const sending = outcome((async () => {
    for (let id = 1; id <= 200; id++) await peer.send(normal(id, big));
  })());
  const stopped = await quiet(() => handled);
  assert(stopped >= 10 && stopped < 30, `${stopped} were handled`);
  for (let id = 0; id < 200; id++) assertEquals((await peer.next()).body, big);
  assertEquals((await sending).kind, "value");
  connection.abort();
});

test("held: a client reads answers however much it has to send", async () => {
  const { client, peer } = clientAndPeer();
  const big = "x".repeat(200 * KIB);
  const calls = Array.from({ length: 20 }, () => client.unary(body(big)));
  // This server answers before it reads on.
  for (let i = 0; i < 20; i++) {
    const { id } = await peer.next();
    await peer.send(normal(id, big), normal(999, big));
  }
  await soon(Promise.all(calls), "the answers");
  client.abort();
});

test("held: a connection that ends while it has stopped reading is released", async () => {
  const { connection, end } = open({ maxPipelinedBytes: 1 });
  const offered = offer(end, framed(20 * KIB));
  await quiet(() => offered.taken);
  connection.abort();
  assertEquals((await soon(connection.closed, "the end")).kind, "error");
  await end.broken();
});

test("held: a limit out of range is refused", () => {
  for (const value of [-1, 0.5, NaN, 2 ** 33]) {
    assertThrows(() => open({ maxPipelinedBytes: value }), RangeError, "maxPipelinedBytes");
  }
});
