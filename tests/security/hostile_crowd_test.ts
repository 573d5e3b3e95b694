// Many connections from one address, over sockets.
import { assert, assertEquals } from "@std/assert";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { soon } from "../support/within.ts";
import { assertGrewLess, Attacker, print, Victim } from "./attacker.ts";

/** How one of a crowd fares: it is let in until it is broken off. */
interface One {
  readonly socket: Socket;
  over: boolean;
}

function dial(port: number): Promise<One> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const one: One = { socket, over: false };
    socket
      .on("connect", () => resolve(one))
      .on("error", () => {})
      .on("close", () => (one.over = true, resolve(one)));
  });
}

async function crowd(port: number, count: number): Promise<One[]> {
  const all: One[] = [];
  while (all.length < count) {
    const some = Math.min(100, count - all.length);
    const dialled = Promise.all(Array.from({ length: some }, () => dial(port)));
    all.push(...await soon(dialled, "a hundred connections"));
  }
  return all;
}

test("hostile: of 10,000 connections from one address, a thousand are admitted", async () => {
  // Addresses of this machine are not limited by default.
  await using victim = await Victim.start("echo", { maxConnectionsPerAddress: 1000 });
  const first = await Attacker.dial(victim.port);
  await first.assertEchoed();
  const before = await victim.health();
  const all = await crowd(victim.port, 10_000);
  const during = await victim.until(({ refused }) => refused === 9001, "9,001 are refused");
  const open = all.filter(({ over }) => !over).length;
  print(`10,000 more connections; ${during.refused} refused`, before, during);
  assertEquals([during.connections, during.ended], [1000, { "too-many-connections": 9001 }]);
  assert(open < 10_000);
  assertGrewLess(150, before, during);
  await first.assertEchoed();

  for (const { socket } of all) socket.destroy();
  const after = await victim.left(1, before);
  print("and after they have gone", before, after);
  const late = await Attacker.dial(victim.port);
  await late.assertEchoed();
  late.drop();
  first.drop();
});

test("hostile: maxConnections bounds them all", async () => {
  await using victim = await Victim.start("echo", { maxConnections: 5 });
  const all = await crowd(victim.port, 50);
  const { connections } = await victim.until(({ refused }) => refused === 45, "45 are refused");
  assertEquals(connections, 5);
  for (const { socket } of all) socket.destroy();
});
