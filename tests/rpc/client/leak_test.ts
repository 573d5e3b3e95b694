import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { countedSignal } from "../../support/counted_signal.ts";
import { countTimers } from "../../support/count_timers.ts";
import { body, clientAndPeer, closeClient, end, normal } from "../../support/rpc.ts";
import { outcome, soon } from "../../support/within.ts";

test("however a call ends, its signal is left without a listener", async () => {
  const { client, peer } = clientAndPeer();
  const { signal, controller, listeners } = countedSignal();
  const calls = [1, 2, 3].map((i) => outcome(client.unary(body(i), { signal })));
  calls.push(outcome(client.unary(body(1n), { signal })));
  const streams = [4, 5, 6].map((i) => client.streaming(body(i), { signal }));
  assertEquals(listeners.size, 1, "A runtime warns of more than ten listeners on one signal");

  const [answered, cancelled, timedOut, ended, left, failed] = await peer.take(6);
  await peer.send(normal(answered!.id), end(cancelled!.id), end(ended!.id));
  await peer.send({ id: failed!.id, code: 1 });
  await soon(Promise.all([calls[0], calls[1], calls[3]]), "the calls");
  await streams[0]!.next();
  await streams[1]!.return();
  await outcome(streams[2]!.next());
  assertEquals(listeners.size, 1, "One call is left");
  controller.abort();
  assertEquals(listeners.size, 0);
  assertEquals((await calls[2]!).kind, "error");
  assertEquals((await closeClient(client, peer)).map(({ id }) => id), [left!.id, timedOut!.id]);
});

test("listeners are removed when the connection ends, also if the queue was full", async () => {
  const { client, peer } = clientAndPeer({ maxQueuedMessages: 1 }, { capacity: 1 });
  const { signal, listeners } = countedSignal();
  const calls = Array.from({ length: 50 }, () => {
    return outcome(client.unary(body("x".repeat(65536)), { signal }));
  });
  assertEquals(listeners.size, 1);
  peer.abort();
  await soon(client.closed, "the end");
  assertEquals(listeners.size, 0);
  await Promise.all(calls);
});

test("however a call ends, its timer is cleared", async () => {
  const timeout = 123_456;
  const { started, left } = await countTimers(async () => {
    const { client, peer } = clientAndPeer({ timeout });
    const controller = new AbortController();
    const calls = [
      outcome(client.unary(body("answered"))),
      outcome(client.unary(body("cancelled"))),
      outcome(client.unary(body("given up"), controller)),
      outcome(client.unary(body("in flight at the end"))),
      outcome(client.unary(body(1n))),
    ];
    const stream = client.streaming(body("left"));
    const [answered, cancelled] = await peer.take(5);
    await peer.send(normal(answered!.id), end(cancelled!.id));
    controller.abort();
    await stream.return();
    await soon(calls[1]!, "the cancelled call");
    await closeClient(client, peer);
    await soon(Promise.all(calls), "all calls");
  });
  assert(started.includes(timeout));
  assertEquals(left, []);
});
