// Servers are killed under load and started again.
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RpcError } from "@protosocket/protosocket/rpc";
import { Load, readJournal, startServer } from "./load.ts";

const milliseconds = (since: number) => `${Math.round(performance.now() - since)} ms`;

function folder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "kill-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test("a server is killed and restarted: each call is answered or fails, and none is made twice", async () => {
  using at = folder();
  const journal = join(at.path, "journal");
  let [server, port] = await startServer(0, journal);
  const load = new Load([port], false);
  const recovered: string[] = [];
  try {
    for (let i = 0; i < 3; i++) {
      await load.more(1000);
      server.kill("SIGKILL");
      await server.ended;
      [server] = await startServer(port, journal);
      const since = performance.now();
      await load.more(1);
      recovered.push(milliseconds(since));
    }
    await load.more(1000);
  } finally {
    await load.stop();
    await server[Symbol.asyncDispose]();
  }
  console.log(
    `figures: a server killed: ${load.figures}; answered again after ${recovered.join(", ")}`,
  );

  assertEquals(load.answered.length + load.failed.size, load.offered);
  const asked = readJournal(journal);
  const seen = new Set(asked);
  assertEquals(asked.length, seen.size, "a server was given a request twice");
  assertEquals(load.answered.filter((number) => !seen.has(number)), []);
  assertEquals(new Set(load.heard).size, load.heard.length, "a request was answered twice");
  assert(load.failed.size > 0, "no call was in flight when a server was killed");
  for (const [number, error] of load.failed) {
    assertInstanceOf(error, RpcError);
    // What is said never to have been sent has not been.
    if (error.sent === false) assert(!seen.has(number), `${number} was sent: ${error.message}`);
    else assertEquals(error.code, "connection-closed");
  }
});

test("calls marked idempotent see no error while another endpoint lives", async () => {
  using at = folder();
  const journals = ["a", "b"].map((name) => join(at.path, name));
  const servers = await Promise.all(journals.map((journal) => startServer(0, journal)));
  const load = new Load(servers.map(([, port]) => port), true);
  const back: string[] = [];
  try {
    for (const i of [0, 1, 0, 1]) {
      await load.more(1000);
      const [server, port] = servers[i]!;
      server.kill("SIGKILL");
      await server.ended;
      await load.more(1000);
      const connected = load.connected(port);
      servers[i] = await startServer(port, journals[i]!);
      const since = performance.now();
      await connected;
      back.push(milliseconds(since));
    }
    await load.more(1000);
  } finally {
    await load.stop();
    for (const [server] of servers) await server[Symbol.asyncDispose]();
  }
  const asked = journals.flatMap(readJournal);
  const again = asked.length - new Set(asked).size;
  console.log(
    `figures: one of two killed: ${load.figures}, ${again} carried out twice; an endpoint back after ${
      back.join(", ")
    }`,
  );
  assertEquals([...load.failed.values()], []);
  assertEquals(load.answered.length, load.offered);
  assertEquals(new Set(load.heard).size, load.heard.length, "a request was answered twice");
  assert(load.attempts > load.offered, "no call was in flight when a server was killed");
});
