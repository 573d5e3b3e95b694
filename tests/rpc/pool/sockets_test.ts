// Pools over real sockets: servers are ended and started again, and the pool comes back
// by itself.
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { test } from "node:test";
import { type Server, TransportError } from "@protosocket/protosocket";
import { dnsEndpoints } from "@protosocket/protosocket/dns";
import {
  RpcClient,
  type RpcHandler,
  RpcPool,
  type RpcPoolConfig,
  serveRpc,
} from "@protosocket/protosocket/rpc";
import { sockets } from "../../../examples/support/sockets.ts";
import { pass, running, unavailable } from "../../support/pool.ts";
import { body, jsonCodec, type Message, messages, rpcError } from "../../support/rpc.ts";
import { deferred, outcome, soon } from "../../support/within.ts";

// How long real connects take is for the clock of these pools to show.
running();

interface Endpoint {
  readonly hostname: string;
  readonly port: number;
}

/** A server on a socket that can be ended and started again at the same port. */
class SocketHost {
  readonly name: string;
  handler: RpcHandler<Message, Message> = () => body(this.name);
  port = 0;
  #server: Server | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get endpoint(): Endpoint {
    return { hostname: "127.0.0.1", port: this.port };
  }

  async start(): Promise<this> {
    const { listen } = await sockets();
    const listener = await listen({ hostname: "127.0.0.1", port: this.port });
    assert(listener.address.transport === "tcp");
    this.port = listener.address.port;
    this.#server = serveRpc(listener, {
      codec: jsonCodec,
      messages,
      service: () => (request, context) => this.handler(request, context),
      onError() {},
    });
    return this;
  }

  get connections(): number {
    return this.#server!.connections.size;
  }

  /** Ends as a process that is killed. */
  async kill(): Promise<void> {
    const server = this.#server!;
    const closed = server.close({ timeout: 0 });
    for (const connection of server.connections) connection.abort();
    await soon(closed, "the end of a server");
  }

  async close(): Promise<void> {
    await soon(this.#server!.close(), "the end of a server");
  }
}

type Config = RpcPoolConfig<Message, Message, Endpoint>;

async function poolOf(
  endpoints: Config["endpoints"],
  options: Partial<Config> = {},
): Promise<RpcPool<Message, Message, Endpoint>> {
  const { connect } = await sockets();
  return new RpcPool({
    endpoints,
    connect: async (endpoint, { signal }) => {
      const duplex = await connect({ ...endpoint, signal });
      return new RpcClient(duplex, { codec: jsonCodec(), messages });
    },
    ...options,
  });
}

/** Calls until the answer is this one. */
async function callUntil(
  pool: RpcPool<Message, Message, Endpoint>,
  name: string,
): Promise<void> {
  const calling = (async () => {
    for (;;) {
      const answer = await outcome(pool.unary(body("x"), { idempotent: true }));
      if (answer.kind === "value" && answer.value.body === name) return;
      // The calls between are what makes the pool look around.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  await soon(calling, `an answer of ${name}`);
}

test("a server is killed and started again: the pool comes back by itself", async () => {
  const host = await new SocketHost("a").start();
  const pool = await poolOf([host.endpoint], { slots: 3, backoff: { initial: 5, max: 20 } });
  for (let round = 0; round < 3; round++) {
    await callUntil(pool, "a");
    await Promise.all([0, 1, 2].map((key) => pool.unary(body("x"), { key })));
    assertEquals([pool.connected, host.connections], [3, 3]);
    await host.kill();
    for (;;) {
      const answer = await outcome(pool.unary(body("x")));
      // Until the pool has heard of the end of its connections.
      if (answer.kind === "error" && pool.connected === 0) break;
    }
    const { cause } = await unavailable(pool.unary(body("x")));
    assertInstanceOf(cause, TransportError);
    await host.start();
  }
  await callUntil(pool, "a");
  await soon(pool.close(), "the end");
  await host.close();
});

test("of two servers one is killed: no idempotent call fails, and both serve again", async () => {
  const hosts = await Promise.all(["a", "b"].map((name) => new SocketHost(name).start()));
  const [a, b] = hosts as [SocketHost, SocketHost];
  const pool = await poolOf(hosts.map(({ endpoint }) => endpoint), {
    backoff: { initial: 5, max: 20 },
  });
  await Promise.all([0, 1, 2, 3].map((key) => pool.unary(body("x"), { key })));
  assertEquals([a.connections, b.connections], [2, 2]);

  let going = true;
  let answered = 0;
  const callers = Array.from({ length: 20 }, async () => {
    while (going) {
      await pool.unary(body("x"), { idempotent: true });
      answered++;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  });
  for (const host of [a, b]) {
    await callUntil(pool, host.name);
    const before = answered;
    await host.kill();
    while (answered < before + 200) await new Promise((resolve) => setTimeout(resolve, 1));
    await host.start();
    // The clock that the pool looks at goes on, so that it looks around at once.
    const back = (async () => {
      while (host.connections < 2) {
        pass(1001);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    await soon(back, `connections to ${host.name}`);
  }
  going = false;
  await soon(Promise.all(callers), "all callers");
  assertEquals(pool.connected, 4);
  await soon(pool.drain(), "the end");
  await Promise.all(hosts.map((host) => host.close()));
});

test("a call in flight on a server that is killed fails, and may have been sent", async () => {
  const host = await new SocketHost("a").start();
  const asked = deferred();
  host.handler = () => {
    asked.resolve();
    return new Promise(() => {});
  };
  const pool = await poolOf([host.endpoint]);
  const call = outcome(pool.unary(body("x")));
  await soon(asked.promise, "the request");
  await host.kill();
  assertEquals((await rpcError(call, "connection-closed")).sent, true);
  await soon(pool.close(), "the end");
});

test("a name in DNS, and a port where nobody listens", async () => {
  const host = await new SocketHost("a").start();
  const found = dnsEndpoints({ hostname: "localhost", port: host.port, family: 4 });
  assertEquals(await found(), [host.endpoint]);
  const pool = await poolOf(found);
  assertEquals((await soon(pool.unary(body("x")), "the answer")).body, "a");
  await soon(pool.close(), "the end");
  await host.close();

  const nobody = await poolOf(dnsEndpoints({ hostname: "localhost", port: host.port }));
  const { cause } = await unavailable(nobody.unary(body("x")));
  assertInstanceOf(cause, TransportError);
  assertEquals(cause.code, "refused");
  await nobody.close();
  const nowhere = await poolOf(dnsEndpoints({ hostname: "nowhere.invalid", port: 1 }));
  const unknown = await unavailable(nowhere.unary(body("x")));
  assertInstanceOf(unknown.cause, TransportError);
  assertEquals(unknown.cause.code, "not-found");
  await nowhere.close();
});

test("a process that is busy for longer than connectTimeout does not take a connect for failed", async () => {
  const host = await new SocketHost("a").start();
  const { connect } = await sockets();
  const failed: unknown[] = [];
  const pool = await poolOf([host.endpoint], {
    connectTimeout: 100,
    connect: async (endpoint) => {
      const dialled = connect(endpoint);
      // It is connected long before this process looks again.
      for (const since = performance.now(); performance.now() - since < 300;);
      return new RpcClient(await dialled, { codec: jsonCodec(), messages });
    },
    observer: { onConnectFailed: (_, error) => failed.push(error) },
  });
  const answer = await soon(outcome(pool.unary(body("x"))), "the answer");
  assertEquals([failed, answer.kind], [[], "value"]);
  await soon(pool.close(), "the end");
  await host.close();
});
