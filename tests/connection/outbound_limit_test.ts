// A message that is too long for the peer is not sent, and fails alone.
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { DEFAULT_MAX_BUFFER_LENGTH, duplexPair } from "../../mod.ts";
import { codeOf, Peer } from "../support/connections.ts";
import { soon } from "../support/within.ts";

test("maxOutboundLength: a longer message is told to onEncodeError, with both sizes", async () => {
  const failed: string[] = [];
  const [here, there] = duplexPair();
  const sender = new Peer(here, {
    onEncodeError: (error, message) => void failed.push(`${message.length}: ${error}`),
  }, { maxOutboundLength: 11 });
  const receiver = new Peer(there);
  for (const length of [10, 11, 3]) sender.sender.trySend(new Array(length).fill(1));
  await receiver.messages(2);
  assertEquals(receiver.received.map(({ length }) => length), [10, 3]);
  assertEquals(failed, [
    "11: ConnectionError: Cannot send a message of 12 bytes: it is over maxOutboundLength, 11 bytes",
  ]);
  receiver.connection.close();
  await soon(sender.connection.close(), "the close");
});

test("maxOutboundLength: without an onEncodeError it ends the connection here, not at the peer", async () => {
  const [here, there] = duplexPair();
  const sender = new Peer(here, {}, { maxBufferLength: 11 });
  const receiver = new Peer(there);
  sender.sender.trySend(new Array(11).fill(1));
  assertEquals(codeOf(await soon(sender.closed, "the end")), "message-too-large");
  assertEquals(receiver.received, []);
});

test("maxOutboundLength: its values", () => {
  assertEquals(DEFAULT_MAX_BUFFER_LENGTH, 4 * 1024 * 1024);
  for (const value of [0, 1.5, 2 ** 32 + 1, NaN]) {
    const [here] = duplexPair();
    assertThrows(
      () => new Peer(here, {}, { maxOutboundLength: value }),
      RangeError,
      "maxOutboundLength",
    );
  }
});
