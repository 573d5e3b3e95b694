// Peers that mean harm, to a listener for WebSockets.
import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import { randomBytes } from "../support/bytes.ts";
import { test } from "node:test";
import { runtime } from "../support/runtime.ts";
import { assertGrewLess, Attacker, type Health, offer, print, Victim } from "./attacker.ts";
import { assertEchoed, dial, FIRST, frame, PIECE, PING, PONG, WHOLE } from "./websocket.ts";

const MIB = 2 ** 20;
const many = (bytes: Uint8Array) => concat(new Array(Math.ceil(MIB / bytes.length)).fill(bytes));

/** Waits until nothing of what is offered is taken any more, or all has been. */
async function offered(victim: Victim, attackers: Attacker[], bytes: Uint8Array, times: number) {
  const offers = attackers.map((attacker) => offer(attacker, bytes, times));
  const taken = () => offers.reduce((sum, { taken }) => sum + taken, 0);
  const during = await victim.stalled(taken);
  return { during, taken: `${(taken() / MIB).toFixed(0)} MiB taken` };
}

async function allGone(victim: Victim, attackers: Attacker[], before: Health): Promise<void> {
  for (const attacker of attackers) attacker.drop();
  print("and when they have gone", before, await victim.left(0, before));
}

const [none, one, most, mebibyte] = [0, 1, 125, MIB].map((size) => new Uint8Array(size));

const FLOODS: Record<string, [bytes: Uint8Array, times: number]> = {
  "pings, whose pongs nobody reads": [many(frame(PING, most)), 200],
  "pongs": [many(frame(PONG, most)), 200],
  "frames of a byte, whose echo nobody reads": [many(frame(WHOLE, one)), 2],
  "frames of a mebibyte, whose echo nobody reads": [frame(WHOLE, mebibyte), 200],
  "beginnings within beginnings": [many(frame(FIRST, one)), 20],
  "pieces without bytes, and no end": [many(frame(PIECE, none)), 200],
  "pieces of a byte, and no end": [many(frame(PIECE, one)), 200],
};

for (const [what, [bytes, times]] of Object.entries(FLOODS)) {
  test(`hostile WebSocket: ${times} MiB of ${what}`, async () => {
    await using victim = await Victim.start("websocket");
    const before = await victim.health();
    const attacker = await dial(victim.port, { reads: false });
    // Pieces are of a message that has begun.
    if (bytes[0] === PIECE) await attacker.write(frame(FIRST, one));
    const { during, taken } = await offered(victim, [attacker], bytes, times);
    print(`${times} MiB of ${what}, ${taken}`, before, during);
    assertGrewLess(100, before, during);
    await assertEchoed(victim.port);
    await allGone(victim, [attacker], before);
  });
}

test("hostile WebSocket: a frame of a million messages is not decoded while nobody takes them", async () => {
  await using victim = await Victim.start("websocket", { stuck: true });
  const before = await victim.health();
  const attackers = await Promise.all(
    Array.from({ length: 10 }, () => dial(victim.port, { reads: false })),
  );
  const { during, taken } = await offered(victim, attackers, frame(WHOLE, mebibyte), 1);
  print(`10 WebSockets with frames of a million messages, ${taken}`, before, during);
  assertGrewLess(100, before, during);
  await allGone(victim, attackers, before);
});

test("hostile WebSocket: noise instead of a request, and instead of frames", async () => {
  await using victim = await Victim.start("websocket");
  const before = await victim.health();
  for (let i = 0; i < 100; i++) {
    const attacker = i % 2 ? await Attacker.dial(victim.port) : await dial(victim.port);
    await attacker.write(randomBytes(10_000));
    await attacker.over();
    attacker.drop();
  }
  print("100 peers with noise", before, await victim.left(0, before));
  const { ended } = await victim.health();
  assertEquals(ended, { reset: 50 });
});

const skip = runtime === "deno" && "Deno's server waits for a request for ever";

test("hostile WebSocket: a request that comes line by line times out", { skip }, async () => {
  await using victim = await Victim.start("websocket");
  const before = await victim.health();
  const attackers = await Promise.all(
    Array.from({ length: 20 }, () => Attacker.dial(victim.port)),
  );
  const line = new TextEncoder().encode("X-Header: value\r\n");
  const dripping = setInterval(() => {
    for (const attacker of attackers) attacker.socket.write(line);
  }, 500);
  for (const attacker of attackers) {
    await attacker.write(new TextEncoder().encode("GET / HTTP/1.1\r\n"));
  }
  await Promise.all(attackers.map((attacker) => attacker.over()));
  clearInterval(dripping);
  print("20 requests that come line by line", before, await victim.left(0, before));
  for (const attacker of attackers) attacker.drop();
});
