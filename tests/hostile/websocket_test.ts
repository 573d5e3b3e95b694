// Peers that break the protocol of WebSockets below its messages, or bend it.
import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import { test } from "node:test";
import { runtime } from "../support/runtime.ts";
import { assertGrewLess, Attacker, print, Victim } from "./support.ts";

/** The end of the head of an HTTP answer. */
const HEAD_END = /\r\n\r\n$/;

/** Connects and shakes hands. */
async function dial(port: number, options?: { readonly reads: boolean }): Promise<Attacker> {
  const attacker = await Attacker.dial(port, options);
  await attacker.write(new TextEncoder().encode(
    `GET / HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  ));
  if (options?.reads !== false) await attacker.until((text) => HEAD_END.test(text), "a handshake");
  return attacker;
}

/** The first byte of a frame; the highest bit is for the last of a message, and for what is whole. */
const [PIECE, FIRST, LAST, WHOLE, CLOSE, PING] = [0x00, 0x02, 0x80, 0x82, 0x88, 0x89];

/** A frame, masked with nothing. */
function frame(head: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  const { length } = payload;
  const size = length < 126 ? [0x80 | length] : [0xfe, length >> 8, length & 255];
  return new Uint8Array([head, ...size, 0, 0, 0, 0, ...payload]);
}

/** That a message is echoed: the server is well. */
async function assertEchoed(port: number): Promise<void> {
  const client = await dial(port);
  client.received = [];
  await client.write(frame(WHOLE, Uint8Array.of(2, 104, 105)));
  assertEquals(await client.receive(5), Uint8Array.of(WHOLE, 3, 2, 104, 105));
  client.drop();
}

const BROKEN: [what: string, bytes: Uint8Array][] = [
  ["an opcode that is none", frame(0x83)],
  ["a reserved bit", frame(0xc2, new Uint8Array(1))],
  ["a long ping", frame(PING, new Uint8Array(126))],
  ["a ping in pieces", frame(0x09)],
  ["a continuation of nothing", frame(LAST)],
  ["a close of half a code", frame(CLOSE, new Uint8Array(1))],
  ["a close with a code that is never sent", frame(CLOSE, new Uint8Array([3, 0xed]))],
  ["a close whose reason is no UTF-8", frame(CLOSE, new Uint8Array([3, 0xe8, 0xff]))],
  ["2^62 bytes", new Uint8Array([WHOLE, 0xff, 0x40, ...new Uint8Array(11)])],
  ["2^63 bytes", new Uint8Array([WHOLE, 0xff, 0x80, ...new Uint8Array(11)])],
];
// Deno's WebSockets let these pass, which harms nobody.
if (runtime !== "deno") {
  BROKEN.push(["a frame without a mask", new Uint8Array([WHOLE, 1, 7])]);
  BROKEN.push(["a message within another", concat([frame(FIRST), frame(FIRST)])]);
}

test("hostile websocket: what is no frame ends its connection, and no other", async () => {
  await using victim = await Victim.start("websocket");
  const before = await victim.health();
  for (const [what, bytes] of BROKEN) {
    const attacker = await dial(victim.port);
    await attacker.write(bytes);
    await attacker.over(what);
    attacker.drop();
  }
  await assertEchoed(victim.port);
  assertEquals((await victim.left(0, before)).ended, { reset: BROKEN.length + 1 });
});

for (const size of [0, 1]) {
  test(`hostile websocket: a message without an end, in pieces of ${size} bytes`, async () => {
    await using victim = await Victim.start("websocket");
    const before = await victim.health();
    const attacker = await dial(victim.port);
    await attacker.write(frame(FIRST, new Uint8Array(1)));
    const piece = frame(PIECE, new Uint8Array(size));
    const bytes = concat(Array.from({ length: 10_000 }, () => piece));
    const sent = await attacker.flood(bytes, 500);
    const during = await victim.health();
    print(`a message in ${sent * 10_000} pieces of ${size} bytes`, before, during);
    // It is ended at a bound of bytes or of pieces, or pieces cost no more than their bytes.
    assertGrewLess(50, before, during);
    await assertEchoed(victim.port);
    attacker.drop();
    await victim.left(0, before);
  });
}

test("hostile websocket: pings without an end, and no answer is read", async () => {
  await using victim = await Victim.start("websocket");
  const before = await victim.health();
  const attacker = await dial(victim.port, { reads: false });
  const bytes = concat(Array.from({ length: 1000 }, () => frame(PING, new Uint8Array(125))));
  let sent = 0;
  const flooded = attacker.flood(bytes, 2000, (now) => sent = now);
  // Where answers are dropped that find no room, it goes through.
  const during = await victim.stalled(() => sent);
  print(`${sent * 1000} pings, no answer read`, before, during);
  assertGrewLess(60, before, during);
  await assertEchoed(victim.port);
  attacker.drop();
  await flooded;
});
