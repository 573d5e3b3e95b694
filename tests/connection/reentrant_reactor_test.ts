import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Connection, type ConnectionConfig, duplexPair, EncodeBuffer } from "../../mod.ts";
import { Peer, peerAndEnd } from "../support/connections.ts";
import { framesCodec } from "../support/framing.ts";
import { quiet } from "../support/quiet.ts";
import { soon } from "../support/within.ts";

type Config = ConnectionConfig<number[], number[], number[]>;

/** A connection over both ways of the data, with what its peer has received. */
function both(
  name: string,
  run: (
    make: (config: Omit<Config, "codec"> & Partial<Config>) => [Connection<number[]>, Peer],
  ) => Promise<void>,
): void {
  for (const streams of [false, true]) {
    test(`${name}, ${streams ? "by streams" : "by turns"}`, () =>
      run((config) => {
        const [here, there] = duplexPair();
        const connection = new Connection(here, { codec: framesCodec(), streams, ...config });
        return [connection, new Peer(there)];
      }));
  }
}

/** Frames; an empty message cannot be encoded. */
function strictCodec(): Config["codec"] {
  const { encoder, decoder } = framesCodec();
  return {
    decoder,
    encoder: {
      encode(message, out) {
        if (message.length === 0) throw new Error("an empty message");
        encoder.encode(message, out);
      },
    },
  };
}

both("a reactor may wait for its own close", async (make) => {
  const [connection, peer] = make({
    drainTimeout: 2 ** 31 - 1,
    reactor: () => ({
      async onInboundMessage() {
        await connection.close();
      },
    }),
  });
  peer.sender.trySend([1]);
  assertEquals((await soon(connection.closed, "the end")).kind, "local");
  assertEquals((await peer.closed).kind, "peer");
});

both("a whole budget of messages that cannot be encoded is not the last", async (make) => {
  let left = 2000;
  let failed = 0;
  const [connection, peer] = make({
    codec: strictCodec(),
    reactor: () => ({
      onInboundMessage() {},
      onEncodeError: () => failed++,
      pullOutbound(budget) {
        for (; left > 0 && budget.remaining > 0; left--) budget.send(left === 1 ? [7] : []);
      },
    }),
  });
  assertEquals(await peer.messages(1), [[7]]);
  assertEquals(failed, 1999);
  assertEquals((await soon(connection.close(), "the end")).kind, "local");
});

both("pull: a message that cannot be encoded ends the connection, not its caller", async (make) => {
  const [connection, peer] = make({
    codec: strictCodec(),
    reactor: () => ({ onInboundMessage() {} }),
  });
  for (const message of [[1], [], [2]]) connection.sender.trySend(message);
  assertEquals(connection.sender.pull(), false);
  const reason = await soon(connection.closed, "the end");
  assertEquals(reason.kind === "error" && reason.error.code, "encoder");
  await peer.closed;
});

both("pull: messages keep their order if they are pulled while one is converted", async (make) => {
  const [connection, peer] = make({
    reactor: (sender) => ({
      onInboundMessage() {},
      onOutboundMessage(message) {
        sender.pull();
        return message;
      },
    }),
  });
  for (let i = 1; i <= 5; i++) connection.sender.trySend([i]);
  assertEquals(await peer.messages(5), [[1], [2], [3], [4], [5]]);
  connection.abort();
});

both("an orderly close from within a pull cuts no message", async (make) => {
  const { encoder, decoder } = framesCodec();
  const [connection, peer] = make({
    codec: {
      decoder,
      encoder: {
        encode(message, out) {
          const part = new EncodeBuffer();
          encoder.encode(message, part);
          for (const byte of part.take()) {
            out.write(new Uint8Array([byte]));
            connection.close();
          }
        },
      },
    },
    reactor: () => ({ onInboundMessage() {} }),
  });
  connection.sender.trySend([1, 2, 3]);
  connection.sender.trySend([4, 5]);
  connection.sender.pull();
  assertEquals((await soon(connection.closed, "the end")).kind, "local");
  assertEquals(peer.received, [[1, 2, 3], [4, 5]]);
});

both("an observer hears of nothing that is sent after the end", async (make) => {
  const events: string[] = [];
  let due = false;
  const [connection] = make({
    observer: {
      onMessagesSent: () => events.push("messages"),
      onBytesSent: () => events.push("bytes"),
      onClose: () => events.push("close"),
    },
    reactor: () => ({
      onInboundMessage() {},
      pullOutbound(budget) {
        if (!due) return;
        budget.send([1]);
        connection.abort();
      },
    }),
  });
  due = true;
  connection.sender.wake();
  await soon(connection.closed, "the end");
  await quiet(() => events.length);
  assertEquals(events, ["close"]);
});

test("maxPipelinedBytes bounds a reactor that returns a promise for each message", async () => {
  let unsent = 0;
  const [peer, end] = peerAndEnd({
    get pending() {
      return unsent;
    },
    onInboundMessage() {
      unsent++;
      peer.sender.wake();
      return Promise.resolve();
    },
    pullOutbound(budget) {
      for (; unsent > 0 && budget.remaining > 0; unsent--) budget.send(new Array(90).fill(1));
    },
  }, { maxPipelinedBytes: 10_000 });
  const frame = new Uint8Array(91).fill(1);
  frame[0] = 90;
  // Nothing is read of the answers: they wait from the first 128 KiB on.
  let sent = 0;
  const sending = (async () => {
    for (; sent < 10_000; sent++) await end.write(frame);
  })().catch(() => {});
  await quiet(() => peer.received.length);
  assert(peer.received.length < 3000, `${peer.received.length} messages were read`);
  peer.connection.abort();
  await sending;
});
