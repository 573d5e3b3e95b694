// Peers that mean harm, or know no better, against a connection of length-delimited messages.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { type CloseReason, Connection, duplexPair, type DuplexPairOptions } from "../../mod.ts";
import { lengthDelimited } from "../../src/codecs/length_delimited.ts";
import { assertSameBytes, pieces, randomBytes } from "../support/bytes.ts";
import { codeOf } from "../support/connections.ts";
import { countCopies } from "../support/count_copies.ts";
import { End } from "../support/end.ts";
import { quiet } from "../support/quiet.ts";
import { outcome, soon } from "../support/within.ts";

const MAX = 10_000;

interface Victim {
  readonly end: End;
  readonly received: Uint8Array[];
  readonly closed: Promise<CloseReason>;
  close(): Promise<CloseReason>;
}

function victim(options: DuplexPairOptions = {}): Victim {
  const [here, there] = duplexPair(options);
  const received: Uint8Array[] = [];
  const connection = new Connection(here, {
    codec: lengthDelimited(),
    maxBufferLength: MAX,
    reactor: () => ({ onInboundMessage: (message) => void received.push(message) }),
  });
  return {
    end: new End(there),
    received,
    closed: soon(connection.closed, "the connection to close"),
    close: () => soon(connection.close(), "the close"),
  };
}

const varint = (length: number): number[] =>
  length < 128 ? [length] : [length % 128 | 128, ...varint(Math.floor(length / 128))];

/** Registers a case of bytes that end the connection at once, whole or one by one. */
function refused(name: string, bytes: number[], code: string, says: string): void {
  for (const size of [bytes.length, 1]) {
    const how = size === 1 ? "one by one" : "at once";
    test(`Hostile peer: ${name}, ${how}, is refused`, async () => {
      const { end, closed, received } = victim();
      await end.write(new Uint8Array([1, 7]));
      // The end may come before the last of these is written.
      for (const piece of pieces(new Uint8Array(bytes), size)) outcome(end.writer.write(piece));
      const reason = await closed;
      assertEquals(codeOf(reason), code);
      assert(reason.kind === "error" && reason.error.message.includes(says), String(reason));
      assertEquals(received, [new Uint8Array([7])]);
      assertEquals((await end.broken()).code, "reset");
    });
  }
}

refused("a length that is one too large", varint(MAX - 1), "message-too-large", `${MAX} bytes`);
refused("a length of 4 GiB", varint(2 ** 32), "message-too-large", "4294967301 bytes");
refused("a length of 2^53 + 1", varint(2 ** 53 + 2), "message-too-large", "bytes");
refused("the longest varint", [...new Array(9).fill(255), 127], "message-too-large", "bytes");
refused("a varint without an end", new Array(10).fill(128), "invalid-message", "varint");
refused("a varint of 255s without an end", new Array(11).fill(255), "invalid-message", "varint");

test("Hostile peer: a length of zero written in two bytes is an empty message", async () => {
  const { end, received, closed } = victim();
  await end.write(new Uint8Array([128, 0, 1, 7]));
  await end.close();
  assertEquals(await closed, { kind: "peer" });
  assertEquals(received, [new Uint8Array([]), new Uint8Array([7])]);
});

test("Hostile peer: the largest message is taken, byte by byte", async () => {
  const { end, received, closed } = victim({ chunkSize: 1 });
  const body = randomBytes(MAX - 2);
  await end.write(new Uint8Array([...varint(body.length), ...body]));
  await end.close();
  assertEquals(await closed, { kind: "peer" });
  assertSameBytes(received[0]!, body);
});

test("Hostile peer: a hundred thousand empty messages are that many messages", async () => {
  const { end, received, closed } = victim();
  await end.write(new Uint8Array(100_000));
  await end.close();
  assertEquals(await closed, { kind: "peer" });
  assertEquals(received.length, 100_000);
});

test("Hostile peer: an incomplete message uses only the memory of what has arrived", async () => {
  const { allocated } = await countCopies(10 * MAX, async () => {
    const { end, closed, received } = victim();
    await end.write(new Uint8Array([...varint(MAX - 2), 1, 2, 3]));
    await end.close();
    assertEquals(codeOf(await closed), "truncated");
    assertEquals(received, []);
  });
  assert(allocated < 1000, `${allocated} bytes were allocated for 5`);
});

test("Hostile peer: responses to a peer that only sends are bounded", async () => {
  // An echo whose peer never reads: it must stop reading, too.
  const [here, there] = duplexPair({ capacity: 1000 });
  const connection = new Connection(here, {
    codec: lengthDelimited(),
    maxQueuedMessages: 10,
    reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
  });
  const end = new End(there);
  let taken = 0;
  const chunk = new Uint8Array([99, ...new Array(99).fill(1)]);
  outcome((async () => {
    for (; taken < 10_000_000; taken += chunk.length) await end.writer.write(chunk);
  })());

  const stopped = await quiet(() => taken);
  assert(stopped < 100_000, `${stopped} bytes were taken`);
  connection.abort();
});
