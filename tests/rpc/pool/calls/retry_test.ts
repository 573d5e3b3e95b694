// Which calls are made again when their connection ends, and which are not.
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { test } from "node:test";
import { duplexPair, TransportError } from "@protosocket/protosocket";
import { RpcClient, RpcError, RpcPool, type RpcStream } from "@protosocket/protosocket/rpc";
import { asked, bodyOf, pass, poolAndHosts, running, unavailable } from "../../../support/pool.ts";
import {
  body,
  clientAndPeer,
  jsonCodec,
  type Message,
  messages,
  Peer,
  rpcError,
} from "../../../support/rpc.ts";
import { fired, outcome, soon } from "../../../support/within.ts";
import { afterPoll } from "../../../../src/waits/after_poll.ts";

const LARGE = "x".repeat(64 * 1024);

/**
 * A pool of two slots. The first connection is to a server that reads one request and
 * no more; the others are to one that answers.
 */
function stuckAndSound(options: { maxQueuedMessages?: number } = {}) {
  const [here, there] = duplexPair({ capacity: 1 });
  const peer = new Peer(there);
  const { hosts: [host] } = poolAndHosts(1);
  let tries = 0;
  const pool = new RpcPool<Message, Message, string>({
    endpoints: ["stuck", "sound"],
    slots: 2,
    random: () => 0,
    connect: async (_, { signal }) => {
      if (tries++ > 0) return await host!.connect({}, 65536, signal);
      return new RpcClient(here, { codec: jsonCodec(), messages, ...options });
    },
  });
  return { pool, peer, host: host!, tries: () => tries };
}

test("calls that never left are made again on another connection, and the others fail", async () => {
  const { pool, peer, host } = stuckAndSound({ maxQueuedMessages: 4 });
  const seen: unknown[] = [];
  host.handler = ({ body: asked }) => {
    seen.push(asked);
    return body("sound");
  };
  await soon(pool.client({ key: 0 }), "the first slot");
  const requests = Array.from({ length: 30 }, (_, i) => body(`${i} ${LARGE}`));
  const calls = requests.map((request) => outcome(pool.unary(request, { key: 0 })));
  const streams = Array.from({ length: 5 }, () => pool.streaming(body("stream"), { key: 0 }));
  const items = streams.map((stream) => outcome(stream.next()));
  await peer.next();
  peer.abort();

  const results = await soon(Promise.all(calls), "all calls");
  const failed = results.filter((result) => result.kind === "error");
  for (const { error } of failed) {
    assertInstanceOf(error, RpcError);
    assertEquals([error.code, error.sent], ["connection-closed", true]);
  }
  const answered = results.filter((result) => result.kind === "value");
  assert(answered.every(({ value }) => value.body === "sound"));
  assert(failed.length >= 1 && failed.length < 10, `${failed.length} calls failed`);
  for (const item of items) {
    const result = await soon(item, "an item");
    assert(result.kind === "value" && result.value.value?.body === "sound");
  }
  // Those that failed were not made again.
  assertEquals(seen.length, answered.length + streams.length);
  assertEquals(new Set(seen).size, answered.length + 1);
  await soon(pool.close(), "the end");
});

test("while the pool drains nothing is made again, and the errors say what happened", async () => {
  const { pool, peer, tries } = stuckAndSound({ maxQueuedMessages: 4 });
  await soon(pool.client({ key: 0 }), "the first slot");
  const calls = Array.from({ length: 20 }, () => {
    return outcome(pool.unary(body(LARGE), { key: 0, idempotent: true }));
  });
  await peer.next();
  const drained = pool.drain();
  peer.abort();
  for (const call of calls) {
    assertInstanceOf((await rpcError(call, "connection-closed")).cause, TransportError);
  }
  await soon(drained, "the end");
  assertEquals(tries(), 1);
});

test("a call that may have been sent is made again if it is idempotent", async () => {
  const { pool, hosts } = poolAndHosts(2, { slots: 2, random: () => 0 });
  const next = asked(...hosts);
  for (
    const call of [
      () => pool.unary(body("x"), { idempotent: true }).then(({ body }) => body),
      () => pool.streaming(body("x"), { idempotent: true }).next().then(({ value }) => value?.body),
    ]
  ) {
    const answer = call();
    const first = await next();
    first.host.breakAll();
    const second = await next();
    assert(second.host !== first.host);
    second.answer("again");
    assertEquals(await soon(answer, "the answer"), "again");
    // Its connection ended as soon as it was made: it rests.
    pass(20_000);
  }
  await soon(pool.close(), "the end");
});

test("a call that may have been sent fails if idempotent is not true", async () => {
  const { pool, hosts } = poolAndHosts(2, { slots: 2 });
  const next = asked(...hosts);
  for (const idempotent of [undefined, false, 1 as unknown as boolean]) {
    for (const streams of [false, true]) {
      const call = outcome<unknown>(
        streams
          ? pool.streaming(body("x"), { idempotent }).next()
          : pool.unary(body("x"), { idempotent }),
      );
      (await next()).host.breakAll();
      const error = await rpcError(call, "connection-closed");
      assertEquals(error.sent, true);
      pass(20_000);
    }
  }
  await soon(pool.close(), "the end");
});

test("an idempotent call that ends every connection is made three times", async () => {
  const { pool, hosts } = poolAndHosts(6, { slots: 6 });
  let calls = 0;
  for (const host of hosts) {
    host.handler = () => {
      calls++;
      queueMicrotask(() => host.breakAll());
      return new Promise(() => {});
    };
  }
  const call = outcome(pool.unary(body("poison"), { idempotent: true }));
  assertEquals((await rpcError(call, "connection-closed")).sent, true);
  assertEquals(calls, 3);
  await soon(pool.close(), "the end");
});

test("a call that meets nothing but connections that have gone is not made for ever", async () => {
  // Clients that look alive and are not: each call on them fails, unsent.
  const gone = new RpcError("connection-closed", "gone", { sent: false });
  let calls = 0;
  const pool = new RpcPool<Message, Message, string>({
    endpoints: ["a"],
    slots: 3,
    connect: () => {
      const client = clientAndPeer().client;
      client.unary = () => (calls++, Promise.reject(gone));
      client.abort = () => {};
      return Promise.resolve(client);
    },
  });
  assertEquals(await outcome(pool.unary(body("x"))), { kind: "error", error: gone });
  assertEquals(calls, 17);
});

/** A client that looks alive, until a call comes; `calls` counts those. */
function dying(calls: { count: number }): RpcClient<Message, Message> {
  const { client } = clientAndPeer();
  const fail = () => {
    calls.count++;
    client.abort();
    return Promise.reject(new RpcError("connection-closed", "died", { sent: true }));
  };
  client.unary = fail;
  client.streaming = () => ({ next: fail }) as unknown as RpcStream<Message>;
  // Nobody is there to end in order with.
  client.close = () => (client.abort(), client.closed);
  return client;
}

test("the next attempt goes to an endpoint where none has failed", async () => {
  const { hosts: [host] } = poolAndHosts(1);
  for (const streams of [false, true]) {
    const calls = { count: 0 };
    const pool = new RpcPool<Message, Message, string>({
      endpoints: ["dying", "sound"],
      slots: 8,
      random: () => 0,
      connect: (endpoint, { signal }) =>
        endpoint === "dying" ? Promise.resolve(dying(calls)) : host!.connect({}, 65536, signal),
    });
    const next = asked(host!);
    for (let key = 0; key < 8; key++) {
      const client = await pool.client({ key });
      // Those that work are the busier ones.
      if (key % 2 === 1) outcome(client.unary(body("busy")));
    }
    for (let i = 0; i < 4; i++) await next();
    host!.handler = () => body("a");
    const answer = streams
      ? (await soon(pool.streaming(body("x"), { idempotent: true }).next(), "an item")).value
      : await soon(pool.unary(body("x"), { idempotent: true }), "the answer");
    assertEquals([answer?.body, calls.count], ["a", 1]);
    await soon(pool.close(), "the end");
  }
});

test("the next attempt goes to an endpoint that is not connected yet, if all others have failed", async () => {
  const { hosts: [host] } = poolAndHosts(1);
  const calls = { count: 0 };
  let up = false;
  const pool = new RpcPool<Message, Message, string>({
    endpoints: ["late", "dying"],
    slots: 4,
    random: () => 0,
    connect(endpoint, { signal }) {
      if (endpoint === "dying") return Promise.resolve(dying(calls));
      if (!up) throw new TransportError("refused", "It is not up yet");
      return host!.connect({}, 65536, signal);
    },
  });
  for (let key = 0; key < 4; key++) await pool.client({ key });
  up = true;
  // Its rest is over; it is not yet time to move slots to it.
  pass(500);
  assertEquals(await bodyOf(pool.unary(body("x"), { idempotent: true })), "a");
  assertEquals(calls.count, 1);
  await soon(pool.close(), "the end");
});

test("if nothing is left to try, the error still says that an earlier attempt may have been sent", async () => {
  const { pool, hosts: [host] } = poolAndHosts(1, { slots: 2 });
  const next = asked(host!);
  const call = outcome(pool.unary(body("x"), { idempotent: true }));
  await next();
  host!.down();
  const error = await rpcError(call, "connection-closed");
  assertEquals(error.sent, true);
  // Another call, which was not sent, reports that.
  await unavailable(pool.unary(body("x"), { idempotent: true }));
  await soon(pool.close(), "the end");
});

test("the timeout counts all attempts together", async () => {
  using _clock = running();
  const { pool, hosts } = poolAndHosts(2, { slots: 2, timeout: 1000 });
  const next = asked(...hosts);
  const call = outcome(pool.unary(body("x"), { idempotent: true }));
  // Timers fire in the order in which they are due, however late all of them are, and so does what
  // looks once more when it is due, as time-outs do.
  const order: string[] = [];
  call.then(() => order.push("call"));
  const later = new Promise<void>((resolve) => {
    const late = () => resolve(void order.push("one and a half times the timeout"));
    setTimeout(() => afterPoll(late), 1500);
  });
  const first = await next();
  await new Promise((resolve) => setTimeout(resolve, 500));
  first.host.breakAll();
  const second = await next();
  const error = await rpcError(call, "deadline-exceeded");
  assertEquals(error.message, "No answer within 1000 ms");
  // The reader can see that an attempt before may have been sent.
  assertInstanceOf(error.cause, RpcError);
  assertEquals(error.cause.sent, true);
  if (!second.signal.aborted) {
    await soon(fired(second.signal), "the Cancel");
  }
  await later;
  assertEquals(order, ["call", "one and a half times the timeout"]);
  await soon(pool.close(), "the end");
});

test("a timeout of the call's own goes before the pool's", async () => {
  const { pool, hosts } = poolAndHosts(1, { timeout: 20 });
  const next = asked(...hosts);
  const long = pool.unary(body("x"), { timeout: 60_000 });
  const request = await next();
  await new Promise((resolve) => setTimeout(resolve, 40));
  request.answer("in time");
  assertEquals(await bodyOf(long), "in time");
  await soon(pool.close(), "the end");
});

test("a signal that fires between attempts ends the call with its reason", async () => {
  const { pool, hosts } = poolAndHosts(2, { slots: 1, random: () => 0 });
  const next = asked(...hosts);
  const controller = new AbortController();
  const call = outcome(pool.unary(body("x"), { idempotent: true, signal: controller.signal }));
  const first = await next();
  for (const host of hosts) host.hold();
  first.host.breakAll();
  const other = hosts.find((host) => host !== first.host)!;
  await other.until(() => other.tries === 1, "the second attempt's connect");
  controller.abort("enough");
  assertEquals(await soon(call, "the end of the call"), { kind: "error", error: "enough" });
  for (const host of hosts) host.release();
  await soon(pool.close(), "the end");
});
