// Peers that take their time for ever, over sockets.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { Attacker, print, Victim } from "./attacker.ts";

/** Bytes of a message of 100 bytes, one at a time, until the server has had enough. */
async function drip(attacker: Attacker): Promise<number> {
  let over = false;
  attacker.ended.then(() => over = true);
  let sent = 0;
  for (; !over && sent < 100; sent++) {
    await attacker.write(Uint8Array.of(sent === 0 ? 120 : 7));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return sent;
}

test("hostile: a peer that trickles bytes is ended by messageTimeout", async () => {
  await using victim = await Victim.start("echo", { messageTimeout: 300 });
  const before = await victim.health();
  const attackers = await Promise.all(
    Array.from({ length: 50 }, () => Attacker.dial(victim.port)),
  );
  const sent = await Promise.all(attackers.map(drip));
  for (const attacker of attackers) await attacker.over();
  const after = await victim.left(0, before);
  print(`50 peers that send a byte each 20 ms, at most ${Math.max(...sent)} of 121`, before, after);
  assertEquals(after.ended, { "message-timeout": 50 });
  // Not only when they had stopped.
  assert(Math.max(...sent) < 100, `${sent}`);
  for (const attacker of attackers) attacker.drop();
});

test("hostile: a peer that says nothing is ended by firstMessageTimeout", async () => {
  await using victim = await Victim.start("echo", { firstMessageTimeout: 200 });
  const talking = await Attacker.dial(victim.port);
  await talking.assertEchoed();
  const before = await victim.health();
  const silent = await Promise.all(Array.from({ length: 50 }, () => Attacker.dial(victim.port)));
  for (const attacker of silent) await attacker.over();
  const after = await victim.left(1, before);
  print("50 peers that say nothing", before, after);
  assertEquals(after.ended, { "message-timeout": 50 });
  // It has been silent as long, after a message.
  await talking.assertEchoed();
  talking.drop();
});

test("hostile: whole messages, however far apart, do not count as slow", async () => {
  await using victim = await Victim.start("echo", {
    firstMessageTimeout: 400,
    messageTimeout: 400,
  });
  const peer = await Attacker.dial(victim.port);
  // The end of one message and the beginning of the next, together: never a whole one.
  await peer.write(Uint8Array.of(2, 1));
  const began = performance.now();
  let echoed = 0;
  while (performance.now() - began < 1200) {
    await peer.write(Uint8Array.of(1, 2, 1));
    echoed += 3;
    await peer.receive(echoed);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { ended } = await victim.health();
  assertEquals(ended, {});
  assert(echoed > 6);
  peer.drop();
});
