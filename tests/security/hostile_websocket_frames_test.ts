// Peers that break the protocol of WebSockets below its messages.
import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import { test } from "node:test";
import { runtime } from "../support/runtime.ts";
import { Victim } from "./attacker.ts";
import { assertEchoed, CLOSE, dial, FIRST, frame, LAST, PING, WHOLE } from "./websocket.ts";

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

test("hostile WebSocket: bytes that are not a frame end only their own connection", async () => {
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
