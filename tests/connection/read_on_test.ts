// An end that sends without end still reads: `maxPipelinedBytes` waits for what was queued, not for all.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { Connection, duplexPair } from "../../mod.ts";
import { Peer } from "../support/connections.ts";
import { End } from "../support/end.ts";
import { framesCodec } from "../support/framing.ts";
import { quiet } from "../support/quiet.ts";
import { ScriptedFace } from "../support/scripted_face.ts";
import { deferred, outcome, soon, turn } from "../support/within.ts";

const LIMIT = 1000;

/** Messages that are more than the limit together, and then the one to stop. */
async function sendAndStop(peer: Peer): Promise<void> {
  for (let count = 0; count < 100; count++) {
    await soon(peer.sender.send(new Array(90).fill(1)), "a send");
  }
  await soon(peer.sender.send([0]), "the request to stop");
}

/** Sends so many messages, and reads whatever comes meanwhile. */
async function tell(end: End, count: number): Promise<void> {
  outcome((async () => {
    while (!(await end.reader.read()).done);
  })());
  for (let at = 0; at < count; at++) {
    await end.writer.write(Uint8Array.of(90, ...new Array(90)));
  }
}

test("reading on: beside a queue that is never empty", async () => {
  const [here, there] = duplexPair();
  let stopped = false;
  const server = new Peer(here, {
    onInboundMessage(message) {
      if (message[0] === 0) stopped = true;
    },
  }, { maxPipelinedBytes: LIMIT, maxQueuedMessages: 4 });
  const client = new Peer(there);
  const endless = (async () => {
    while (!stopped) await server.sender.send(new Array(90).fill(2));
  })();
  await client.messages(10);
  await sendAndStop(client);
  await soon(endless, "the end of the stream");
  assertEquals(server.received.length, 101);
  client.connection.close();
  await soon(server.connection.close(), "the close");
});

test("reading on: beside a reactor that always has something to send", async () => {
  const [here, there] = duplexPair();
  let stopped = false;
  const server = new Peer(here, {
    onInboundMessage(message) {
      if (message[0] === 0) stopped = true;
    },
    pullOutbound(budget) {
      while (!stopped && budget.remaining > 0) budget.send(new Array(90).fill(2));
    },
  }, { maxPipelinedBytes: LIMIT });
  const client = new Peer(there);
  await client.messages(10);
  await sendAndStop(client);
  await server.messages(101);
  client.connection.close();
  await soon(server.connection.close(), "the close");
});

test("reading on: beside a source that runs ahead of each write", async () => {
  const face = new ScriptedFace(() => "later");
  let stopped = false;
  const server = new Peer(face, {
    onInboundMessage(message) {
      if (message[0] === 0) stopped = true;
    },
    pullOutbound(budget) {
      if (!stopped && budget.remaining > 0) budget.send([2]);
    },
  }, { maxPipelinedBytes: 3 });
  const endless = (async () => {
    // So something waits to be written whenever the transport has taken a write.
    for (; !stopped; await turn()) server.sender.pull();
  })();
  for (const message of [[1, 1], [1, 1], [1, 1], [1, 0]]) {
    await turn();
    face.arrive(new Uint8Array(message));
  }
  await server.messages(4);
  await soon(endless, "the end of the stream");
  server.connection.abort();
  await server.closed;
  assertEquals(face.faults, []);
});

test("reading on: beside a source that runs ahead of each write of a pair of streams", async () => {
  const [{ readable, writable }, there] = duplexPair();
  const codec = framesCodec();
  const count = 40;
  let received = 0;
  const all = deferred();
  const connection = new Connection<number[]>({ readable, writable }, {
    codec: {
      decoder: codec.decoder,
      encoder: {
        encode(message, out) {
          codec.encoder.encode(message, out);
          // So more is encoded between what is taken from the encoder and its write.
          queueMicrotask(() => connection.sender.pull());
        },
      },
    },
    maxPipelinedBytes: LIMIT,
    reactor: () => ({
      onInboundMessage() {
        if (++received === count) all.resolve();
      },
      pullOutbound(budget) {
        if (received < count && budget.remaining > 0) budget.send(new Array(90).fill(2));
      },
    }),
  });
  await soon(Promise.all([tell(new End(there), count), all.promise]), "all messages");
  connection.abort();
});

test("reading on: beside bodies that are written one by one, as they are", async () => {
  const [here, there] = duplexPair();
  const body = new Uint8Array(64 * 1024);
  const count = 40;
  let received = 0;
  const all = deferred();
  const connection = new Connection<number[]>(here, {
    codec: {
      decoder: framesCodec().decoder,
      encoder: { encode: (_message, out) => out.lend(body) },
    },
    maxPipelinedBytes: LIMIT,
    reactor: () => ({
      onInboundMessage() {
        if (++received === count) all.resolve();
      },
      pullOutbound(budget) {
        while (received < count && budget.remaining > 0) budget.send([]);
      },
    }),
  });
  await soon(Promise.all([tell(new End(there), count), all.promise]), "all messages");
  connection.abort();
});

test("reading on: what a reactor holds for pullOutbound counts", async () => {
  const [here, there] = duplexPair({ capacity: 1000 });
  const answers: number[][] = [];
  const server = new Peer(here, {
    onInboundMessage(message) {
      answers.push(message);
      server.sender.wake();
    },
    pullOutbound(budget) {
      while (answers.length > 0 && budget.remaining > 0) budget.send(answers.shift()!);
    },
    get pending() {
      return answers.length;
    },
  }, { maxPipelinedBytes: LIMIT });
  // A peer that asks and does not read: what is encoded fills a write first, then the list grows.
  const count = 5000;
  const end = new End(there);
  const asked = (async () => {
    for (let sent = 0; sent < count; sent++) {
      await end.writer.write(Uint8Array.of(90, ...new Array(90)));
    }
  })();
  await quiet(() => server.received.length);
  const held = answers.length * 91;
  assert(held < 3 * LIMIT, `${held} bytes of answers are held`);
  assertEquals((await end.readExactly(count * 91)).length, count * 91);
  await soon(asked, "the requests");
  server.connection.abort();
});
