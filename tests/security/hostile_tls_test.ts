// Peers that mean harm, to a listener for TLS: before there is a connection at all.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { randomBytes } from "../support/bytes.ts";
import { assertGrewLess, Attacker, print, Victim } from "./attacker.ts";

/** What to say instead of a handshake, and what it ends with. */
const GARBAGE: Record<string, Uint8Array> = {
  "plain text": new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"),
  "noise": randomBytes(100_000),
  "a record of 16 KiB, and no more": Uint8Array.of(22, 3, 1, 64, 0, 1, 0, 63, 252),
};

for (const [what, bytes] of Object.entries(GARBAGE)) {
  test(`hostile TLS: 300 peers with ${what}`, async () => {
    await using victim = await Victim.start("tls", { handshakeTimeout: 2000 });
    const before = await victim.health();
    for (let i = 0; i < 6; i++) {
      const attackers = await Promise.all(
        Array.from({ length: 50 }, () => Attacker.dial(victim.port)),
      );
      for (const attacker of attackers) await attacker.write(bytes);
      for (const attacker of attackers) {
        await attacker.over();
        attacker.drop();
      }
    }
    const after = await victim.until(
      ({ ended, sockets }) => told(ended) === 300 && sockets <= before.sockets,
      "all have been turned away",
    );
    print(`300 peers with ${what}, ended ${JSON.stringify(after.ended)}`, before, after);
    assertGrewLess(64, before, after);
    const codes = Object.keys(after.ended);
    assert(codes.every((code) => ["tls", "timed-out"].includes(code)), codes.join());
  });
}

test("hostile TLS: 2,000 peers that leave in the middle of the handshake leave nothing behind", async () => {
  await using victim = await Victim.start("tls", { handshakeTimeout: 1000 });
  const before = await victim.health();
  for (let i = 0; i < 20; i++) {
    await Promise.all(Array.from({ length: 100 }, async () => {
      const attacker = await Attacker.dial(victim.port);
      await attacker.write(Uint8Array.of(22, 3, 1, 2, 0, 1));
      attacker.socket.end();
      await attacker.over();
      attacker.drop();
    }));
  }
  const after = await victim.until(
    ({ ended, heap }) => told(ended) === 2000 && heap < before.heap + 4 * 2 ** 20,
    "4 MiB more at the most are live",
  );
  print("2000 peers that go in the middle of the handshake", before, after);
  assertEquals([after.sockets, after.ended], [before.sockets, { reset: 2000 }]);
});

test("hostile TLS: of 5,000 peers of one address that say nothing, 1,024 are waited for, and others are served", async () => {
  await using victim = await Victim.start("tls", { handshakeTimeout: 60_000 });
  const before = await victim.health();
  const silent: Attacker[] = [];
  while (silent.length < 5000) {
    silent.push(
      ...await Promise.all(Array.from({ length: 100 }, () => Attacker.dial(victim.port))),
    );
  }
  const during = await victim.until(({ ended }) => told(ended) >= 3976, "3976 are given up");
  print(`5000 peers that say nothing, ended ${JSON.stringify(during.ended)}`, before, during);
  assertEquals(during.ended, { "timed-out": 3976 });
  assertGrewLess(300, before, during);
  await assertServed(victim);
  for (const attacker of silent) attacker.drop();
  const after = await victim.left(0, before);
  print("and when they have gone", before, after);
});

/** How many ends the server has been told of. */
function told(ended: Readonly<Record<string, number>>): number {
  return Object.values(ended).reduce((sum, count) => sum + count, 0);
}

async function assertServed({ port }: Victim): Promise<void> {
  const { connect } = await import("node:tls");
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  const echo = new Promise<string>((resolve, reject) => {
    socket.on("data", (bytes) => resolve(String([...bytes as Uint8Array]))).on("error", reject);
  });
  socket.write(Uint8Array.of(1, 7));
  assertEquals(await echo, "1,7");
  socket.destroy();
}
