// Lengths that lie, over sockets.
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { assertGrewLess, Attacker, print, Victim } from "./attacker.ts";

const LIES: Record<string, { bytes: number[]; code: string }> = {
  "eleven continuation bytes": { bytes: new Array(11).fill(128), code: "invalid-message" },
  "2^64 - 1 bytes": { bytes: [...new Array(9).fill(255), 1], code: "message-too-large" },
  "4 GiB": { bytes: [128, 128, 128, 128, 16], code: "message-too-large" },
};

test("hostile: a hundred peers with false lengths are disconnected, and others continue", async () => {
  await using victim = await Victim.start("echo");
  const other = await Attacker.dial(victim.port);
  await other.assertEchoed();
  const before = await victim.health();
  for (const [name, { bytes, code }] of Object.entries(LIES)) {
    for (let i = 0; i < 100; i++) {
      const liar = await Attacker.dial(victim.port);
      await liar.write(Uint8Array.from(bytes));
      await liar.over();
      liar.drop();
    }
    const after = await victim.left(1, before);
    print(`a length of ${name}, 100 times`, before, after);
    assertGrewLess(64, before, after);
    assertEquals((after.ended[code] ?? 0) >= 100, true, JSON.stringify(after.ended));
  }
  await other.assertEchoed();
  other.drop();
});

test("hostile: a hundred announced lengths just within the limit allocate nothing", async () => {
  await using victim = await Victim.start("echo");
  const before = await victim.health();
  // 4 MiB less the length itself: 400 MiB, if it were believed.
  const liars: Attacker[] = [];
  for (let i = 0; i < 100; i++) {
    const liar = await Attacker.dial(victim.port);
    await liar.write(Uint8Array.of(0xfc, 0xff, 0xff, 0x01, 1, 2, 3));
    liars.push(liar);
  }
  const during = await victim.until(({ connections }) => connections === 100, "all are there");
  print("100 peers that announce 4 MiB and send 3 bytes", before, during);
  assertGrewLess(64, before, during);
  for (const liar of liars) liar.drop();
  await victim.left(0, before);
});
