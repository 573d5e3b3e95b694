// Streams through a pool: which are made again, and how one ends that cannot be.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { type Asked, asked, bodyOf, type Host, poolAndHosts } from "../../../support/pool.ts";
import { body, rpcError } from "../../../support/rpc.ts";
import { deferred, outcome, soon } from "../../../support/within.ts";

test("a stream of which a response has arrived is not retried", async () => {
  const { pool, hosts } = poolAndHosts(2, { slots: 2 });
  let calls = 0;
  const begun = deferred<Host>();
  for (const host of hosts) {
    host.handler = async function* () {
      calls++;
      yield body("first");
      begun.resolve(host);
      await new Promise(() => {});
    };
  }
  const stream = pool.streaming(body("x"), { idempotent: true });
  assertEquals((await soon(stream.next(), "the first item")).value?.body, "first");
  (await begun.promise).breakAll();
  assertEquals((await rpcError(outcome(stream.next()), "connection-closed")).sent, true);
  assertEquals((await stream.next()).done, true);
  assertEquals(calls, 1);
  await soon(pool.close(), "the end");
});

test("one of several reads gets the error, and the others see the end", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1);
  host!.down();
  const stream = pool.streaming(body("x"));
  const reads = [1, 2, 3].map(() => outcome(stream.next()));
  await rpcError(reads[0]!, "unavailable");
  for (const read of reads.slice(1)) {
    const result = await soon(read, "a read");
    assert(result.kind === "value" && result.value.done);
  }
  await soon(pool.close(), "the end");
});

test("a stream that nobody reads fails without an unhandled rejection", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1);
  host!.down();
  const stream = pool.streaming(body("x"));
  await new Promise((resolve) => setTimeout(resolve, 5));
  await rpcError(outcome(stream.next()), "unavailable");
  await soon(pool.close(), "the end");
});

test("a server that drains: what it refuses is cancelled, what comes after goes elsewhere", async () => {
  const { pool, hosts } = poolAndHosts(2, { slots: 2 });
  const clients = await Promise.all([pool.client({ key: 0 }), pool.client({ key: 1 })]);
  const next = asked(...hosts);
  const calls = Array.from({ length: 4 }, () => pool.unary(body("x")));
  const inFlight: Asked[] = [];
  for (const _ of calls) inFlight.push(await next());
  const [leaving, staying] = hosts as [Host, Host];
  const drained = [...leaving.connections].map((connection) => connection.drain());
  for (const { answer, host } of inFlight) answer(host.name);
  const answers = await soon(Promise.all(calls), "the answers");
  assertEquals(answers.filter(({ body }) => body === leaving.name).length, 2);
  await soon(Promise.all(drained), "the drained connection");
  leaving.down();
  await soon(Promise.race(clients.map(({ closed }) => closed)), "its end at the client");
  staying.handler = () => body("stayed");
  for (let i = 0; i < 20; i++) assertEquals(await bodyOf(pool.unary(body("x"))), "stayed");
  await soon(pool.close(), "the end");
});
