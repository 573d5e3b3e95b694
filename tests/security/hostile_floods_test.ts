// Peers that ask for more than they take, over sockets.
import { assert, assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import { test } from "node:test";
import { EncodeBuffer } from "@protosocket/protosocket";
import { cancel, jsonCodec, type Message, normal } from "../support/rpc.ts";
import { within } from "../support/within.ts";
import { assertGrewLess, Attacker, offer, print, Victim } from "./attacker.ts";

const MIB = 2 ** 20;

function encoded(count: number, message: (i: number) => Message): Uint8Array {
  const { encoder } = jsonCodec();
  const out = new EncodeBuffer();
  for (let i = 0; i < count; i++) encoder.encode(message(i), out);
  return out.take();
}

/** A message of so many bytes and its length, in three. */
function framed(length: number): Uint8Array {
  const head = [length % 128 | 128, (length >> 7) % 128 | 128, length >> 14];
  return concat([Uint8Array.from(head), new Uint8Array(length).fill(1)]);
}

for (const [kind, size] of [["echo", 1024], ["echo", MIB], ["rpc", MIB]] as const) {
  const what = size === MIB ? "of a mebibyte" : "of a kibibyte";
  test(`hostile: responses to a peer that never reads are bounded, ${kind} ${what}`, async () => {
    await using victim = await Victim.start(kind);
    const before = await victim.health();
    const attacker = await Attacker.dial(victim.port, { reads: false });
    const message = kind === "rpc" ? encoded(1, () => normal(1, "x".repeat(size))) : framed(size);
    const megabyte = concat(new Array(Math.ceil(MIB / message.length)).fill(message));
    const offered = offer(attacker, megabyte, 400);
    const during = await victim.stalled(() => offered.taken);
    const taken = (offered.taken / MIB).toFixed(1);
    print(`${kind} ${what}, a reader that never reads; ${taken} of 400 MiB taken`, before, during);
    assertGrewLess(64, before, during);
    assert(offered.taken < 64 * MIB, "it has been read on from");
    attacker.drop();
    await offered.done;
    await victim.left(0, before);
  });
}

test("hostile: peers that ask and never read are ended after writeTimeout", async () => {
  await using victim = await Victim.start("echo", { writeTimeout: 200 });
  const before = await victim.health();
  const attackers = await Promise.all(
    Array.from({ length: 20 }, () => Attacker.dial(victim.port, { reads: false })),
  );
  const offers = attackers.map((attacker) => offer(attacker, framed(MIB), 40));
  const after = await victim.left(0, before);
  print("20 peers that never read, writeTimeout 200 ms", before, after);
  assertEquals(after.ended, { "write-timeout": 20 });
  for (const attacker of attackers) attacker.drop();
  await Promise.all(offers.map(({ done }) => done));
});

test("hostile: a million requests without reading a response", async () => {
  await using victim = await Victim.start("rpc");
  const before = await victim.health();
  const attacker = await Attacker.dial(victim.port, { reads: false });
  const offered = offer(attacker, encoded(1000, (i) => normal(i, "x".repeat(100))), 1000);
  const during = await victim.stalled(() => offered.taken);
  print(`a million requests, no answer read; ${during.handled} were handled`, before, during);
  assertGrewLess(100, before, during);
  assert(during.handled < 900_000, "it has worked on");
  attacker.drop();
  await offered.done;
  await victim.left(0, before);
});

test("hostile: a million requests that are never answered stop at maxConcurrentRpcs", async () => {
  // While nothing is read from a peer, only a failing write shows that it is gone.
  await using victim = await Victim.start("rpc", { heartbeat: 50 });
  const before = await victim.health();
  const attacker = await Attacker.dial(victim.port, { reads: false });
  const offered = offer(attacker, encoded(1000, (i) => normal(i, "wait")), 1000);
  const during = await victim.stalled(() => offered.taken);
  print(`a million opens; ${during.handled} were begun`, before, during);
  assertEquals(during.handled, 1024);
  assertGrewLess(100, before, during);
  attacker.drop();
  await offered.done;
  await victim.left(0, before);
});

test("hostile: half a million requests, each cancelled at once", async () => {
  await using victim = await Victim.start("rpc");
  const before = await victim.health();
  const attacker = await Attacker.dial(victim.port);
  const storm = encoded(2000, (i) => i % 2 ? cancel((i - 1) / 2) : normal(i / 2, "wait"));
  let received = 0;
  attacker.socket.removeAllListeners("data").on("data", ({ length }) => received += length);
  const offered = offer(attacker, storm, 500);
  await within(60_000, offered.done, "the storm to be sent");
  attacker.socket.end();
  await attacker.over();
  const after = await victim.left(0, before);
  print(`half a million opens and cancels; ${after.handled} were begun`, before, after);
  // Those that were cancelled while they waited for their turn are not begun.
  assert(after.handled <= 500_000, `${after.handled} were begun`);
  assertEquals(after.ended, { peer: 1 });
  assertEquals(received, 500 * encoded(1000, cancel).length);
  assertGrewLess(150, before, after);
  attacker.drop();
});

test("hostile: a peer that half-closes after its request gets its answer, then the end", async () => {
  await using victim = await Victim.start("echo");
  const attacker = await Attacker.dial(victim.port);
  attacker.socket.end(Uint8Array.of(2, 104, 105));
  assertEquals(await attacker.receive(3), Uint8Array.of(2, 104, 105));
  assertEquals(await attacker.over(), "end");
});
