// RPCs that wait for nothing but their Cancel, behind more requests than may be held.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { Connection, duplexPair } from "@protosocket/protosocket";
import { RpcClient, RpcError, rpcReactor } from "@protosocket/protosocket/rpc";
import { VirtualClock } from "./clock.ts";
import { body, jsonCodec, messages } from "../support/rpc.ts";
import { fired, outcome } from "../support/within.ts";

const LARGE = "x".repeat(64 * 1024);
/** How many of them are more than a server holds, 4 MiB. */
const MANY = 100;

/** Runs something in virtual time, at most ten minutes of it. */
async function inVirtualTime(work: (clock: VirtualClock) => Promise<void>): Promise<void> {
  const clock = new VirtualClock();
  const restore = clock.install(Math.random);
  try {
    let [over, failure] = [false, undefined as { error: unknown } | undefined];
    work(clock).catch((error) => failure = { error }).finally(() => over = true);
    assertEquals(await clock.run(() => 600_000, () => over), "done");
    if (failure !== undefined) throw failure.error;
  } finally {
    restore();
  }
}

/** Makes two calls that wait to be cancelled, and many large ones that are answered after `work`, some others `first`. */
function both(work: () => Promise<void>, first: readonly string[] = []) {
  const [here, there] = duplexPair();
  const server = new Connection(there, {
    codec: jsonCodec(),
    reactor: rpcReactor(messages, async (request, { signal }) => {
      if (request.body === "wait") await fired(signal);
      else await work();
      return request;
    }, { maxConcurrentRpcs: 2 }),
  });
  const client = new RpcClient(here, { codec: jsonCodec(), messages });
  const stop = new AbortController();
  const waiting = [1, 2].map(() => outcome(client.unary(body("wait"), { signal: stop.signal })));
  const calls = { refused: 0, answered: 0, settled: Promise.resolve() as Promise<unknown> };
  calls.settled = Promise.all([...first, ...Array<string>(MANY).fill(LARGE)].map(async (text) => {
    const result = await outcome(client.unary(body(text)));
    if (result.kind === "value") return calls.answered++;
    assert(result.error instanceof RpcError, String(result.error));
    assertEquals([result.error.code, result.error.sent], ["unavailable", false]);
    calls.refused++;
  }));
  return { client, server, calls, stop, waiting };
}

test("stuck: if no RPC makes room for ten seconds, it reads on, and refuses what is too much", () =>
  inVirtualTime(async (clock) => {
    const { client, server, calls, stop, waiting } = both(() => Promise.resolve());
    await clock.sleep(9000);
    assertEquals([calls.refused, calls.answered], [0, 0]);
    await clock.sleep(2000);
    assert(calls.refused > 30 && calls.refused < 40, `${calls.refused} calls were refused`);
    assertEquals(calls.answered, 0);
    // From now on it reads what comes, and so the Cancel.
    stop.abort();
    await Promise.all(waiting);
    await calls.settled;
    assert(clock.now < 12_000, `${clock.now} ms`);
    assertEquals(calls.answered + calls.refused, MANY);
    await client.close();
    await server.closed;
  }));

test("stuck: nothing is refused while RPCs make room now and then, however slowly", () =>
  inVirtualTime(async (clock) => {
    const { client, server, calls, stop } = both(() => clock.sleep(300));
    await clock.sleep(8000);
    stop.abort();
    await calls.settled;
    assertEquals([calls.refused, calls.answered], [0, MANY]);
    await client.close();
    await server.closed;
    assertEquals(clock.left, []);
  }));

test("stuck: nor if what makes room does not suffice to read on for long", () =>
  inVirtualTime(async (clock) => {
    // Two at a time, in line before the one that is more than may be held.
    const { client, server, calls, stop } = both(() => clock.sleep(4000), [
      ...Array(20).fill("small"),
      LARGE.repeat(40),
    ]);
    stop.abort();
    await calls.settled;
    assert(clock.now > 40_000, `${clock.now} ms`);
    assertEquals([calls.refused, calls.answered], [0, MANY + 21]);
    await client.close();
    await server.closed;
  }));
