// What a program does wrong as it makes the connections of a pool: that does not pass, so it is told
// as it is, and no call waits for it.
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { duplexPair } from "@protosocket/protosocket";
import { RpcClient, rpcFields, RpcPool, type RpcPoolConfig } from "@protosocket/protosocket/rpc";
import { bodyOf, pass, poolAndHosts, unavailable } from "../../support/pool.ts";
import { body, jsonCodec, type Message, messages } from "../../support/rpc.ts";
import { soon, until } from "../../support/within.ts";

/** What a call fails with, as text. */
function failure(call: Promise<unknown>): Promise<string> {
  return soon(call.then(() => "nothing", String), "a failure");
}

test("what connect does wrong by mistake is told as it is, at once, also to calls that wait", async () => {
  const [duplex] = duplexPair();
  const half = { pipe() {}, readable: true, writable: true };
  const config = { codec: jsonCodec(), messages };
  const ways: [connect: () => unknown, told: string][] = [
    [() => Promise.resolve(undefined), "connect must make an RpcClient, not undefined"],
    [() => ({}), "connect must make an RpcClient, not an object"],
    [() => duplex, "connect must make an RpcClient, not only the socket for one"],
    [() => half, "connect must make an RpcClient, not only the socket for one"],
    [
      () => new RpcClient(half as never, config),
      "duplex must have streams, readable and writable, but it is an object",
    ],
    [
      () => new RpcClient(Promise.resolve(duplex) as never, config),
      "duplex must not be a promise: await it",
    ],
    [
      () => new RpcClient("a" as never, config),
      'duplex must have streams, readable and writable, but it is "a"',
    ],
    [
      () => {
        const request = rpcFields<Message>({ id: "id", code: "id" as "code" });
        return new RpcClient(duplex, { ...config, messages: { ...messages, request } });
      },
      "The id and the code are both in id",
    ],
  ];
  for (const [connect, told] of ways) {
    const pool = new RpcPool<Message, Message, string>({
      endpoints: ["a"],
      connect: connect as RpcPoolConfig<Message, Message, string>["connect"],
    });
    // The first tries; for the others, the endpoint rests.
    for (const waitForReady of [false, false, true]) {
      const options = { waitForReady, idempotent: true };
      assertEquals(await failure(pool.unary(body("x"), options)), `TypeError: ${told}`);
      const items = pool.streaming(body("x"), options);
      assertEquals(await failure(items.next()), `TypeError: ${told}`);
    }
    await pool.close();
  }
});

test("what calls keep apart with is a Set", async () => {
  const { pool } = poolAndHosts(1);
  for (const apart of [[], {}, true, null]) {
    const options = { apart } as never;
    assertThrows(() => pool.unary(body("x"), options), TypeError, "apart must be a Set, not");
  }
  await pool.close();
});

test("options of a call are an object, and its signal is one", async () => {
  const { pool } = poolAndHosts(1);
  const wrong: [options: unknown, told: string][] = [
    [1000, "options must be an object of options, not 1000"],
    [null, "options must be an object of options, not null"],
    [{ signal: new AbortController() }, "signal must be an AbortSignal, not an object"],
  ];
  for (const [options, told] of wrong) {
    assertThrows(() => pool.unary(body("x"), options as never), TypeError, told);
    assertThrows(() => pool.streaming(body("x"), options as never), TypeError, told);
    assertEquals(await failure(pool.client(options as never)), `TypeError: ${told}`);
  }
  assertEquals(pool.inFlight, 0);
  await pool.close();
});

test("one endpoint that is wrong harms no call that another one takes", async () => {
  const { pool, hosts } = poolAndHosts(2, {
    connect(host, { signal }) {
      return host === "a" ? undefined as never : hosts[1]!.connect({}, 65536, signal);
    },
  });
  for (let i = 0; i < 5; i++) assertEquals(await bodyOf(pool.unary(body("x"))), "b");
  hosts[1]!.down();
  await until(() => pool.connected === 0, () => "the connections have not ended");
  await unavailable(pool.unary(body("x")));
  await soon(pool.close(), "the end");
});

test("a function that finds no list of endpoints is told of, until it does", async () => {
  const found = { list: "a" as unknown };
  const endpoints = () => Promise.resolve(found.list as string[]);
  const { pool } = poolAndHosts(3, { endpoints, slots: 1 });
  for (
    const [list, shown] of [["a", '"a"'], [undefined, "undefined"], [{ port: 1 }, "an object"]]
  ) {
    found.list = list;
    for (const waitForReady of [false, false, true]) {
      const told = await failure(pool.unary(body("x"), { waitForReady }));
      assertEquals(told, `TypeError: endpoints must return an array, not ${shown}`);
    }
    pass(10_001);
  }
  found.list = ["c"];
  assertEquals(await bodyOf(pool.unary(body("x"))), "c");
  await soon(pool.close(), "the end");
});
