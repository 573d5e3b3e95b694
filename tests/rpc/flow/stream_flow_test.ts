// Streams and calls on one connection, both ends of this package: a stream waits for its own
// reader, and nobody else does.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  Connection,
  type ConnectionOptions,
  duplexPair,
  type DuplexPairOptions,
} from "@protosocket/protosocket";
import {
  ControlCode,
  RpcClient,
  type RpcHandler,
  type RpcId,
  RpcPool,
  rpcReactor,
  type RpcServerOptions,
  type RpcStream,
} from "@protosocket/protosocket/rpc";
import { quiet } from "../../support/quiet.ts";
import {
  body,
  clientAndPeer,
  closeClient,
  end,
  jsonCodec,
  type Message,
  messages,
  normal,
} from "../../support/rpc.ts";
import { outcome, soon } from "../../support/within.ts";

interface Options {
  readonly maxBufferedBytes?: number;
  readonly server?: RpcServerOptions & ConnectionOptions;
  readonly pair?: DuplexPairOptions;
}

function both(handler: RpcHandler<Message, Message>, options: Options = {}) {
  const [here, there] = duplexPair(options.pair);
  const server = new Connection(there, {
    maxPipelinedBytes: 4 * 1024 * 1024,
    ...options.server,
    codec: jsonCodec(),
    reactor: rpcReactor(messages, handler, options.server),
  });
  const { maxBufferedBytes } = options;
  const client = new RpcClient(here, {
    codec: jsonCodec(),
    messages,
    ...(maxBufferedBytes && { maxBufferedBytes }),
  });
  return { client, server };
}

const LARGE = "x".repeat(64 * 1024);

/** A handler: of a number so many items, of each kind of stream; else it answers with what it got. */
type Kind = "sync" | "async";
const KINDS = ["sync", "async"] as const;
function lists(kind: Kind, item: (i: number) => unknown = (i) => i): RpcHandler<Message, Message> {
  return ({ body: asked }) => {
    if (typeof asked !== "object" || asked === null || !("count" in asked)) return body(asked);
    const count = asked.count as number;
    function* items() {
      for (let i = 0; i < count; i++) yield body(item(i));
    }
    if (kind === "sync") return items();
    return (async function* () {
      yield* items();
    })();
  };
}

const list = (count = Infinity) => body({ count: count === Infinity ? 1e9 : count });

/** Reads a stream, and makes a call for every so many items. */
async function echoAll(
  stream: AsyncIterable<Message>,
  unary: (message: Message) => Promise<Message>,
  every = 1,
): Promise<number> {
  let count = 0;
  for await (const item of stream) {
    assertEquals(item.body, count);
    if (count % every === 0) assertEquals((await unary(body(item.body))).body, count);
    count++;
  }
  return count;
}

for (const kind of KINDS) {
  for (const [count, every] of [[1_000, 1], [50_000, 20]] as const) {
    test(`a call for item ${every} of ${count} of a stream, ${kind}, on its connection`, async () => {
      const { client, server } = both(lists(kind));
      const done = echoAll(client.streaming(list(count)), (m) => client.unary(m), every);
      assertEquals(await soon(done, "the loop"), count);
      await client.close();
      await server.closed;
    });
  }

  test(`a call for each item of eight streams, ${kind}, over a pool of four`, async () => {
    const pool = new RpcPool<Message, Message, string>({
      endpoints: ["a"],
      slots: 4,
      connect: () => Promise.resolve(both(lists(kind)).client),
    });
    const loops = Array.from(
      { length: 8 },
      () => echoAll(pool.streaming(list(500)), (m) => pool.unary(m)),
    );
    assertEquals(await soon(Promise.all(loops), "the loops"), Array(8).fill(500));
    await pool.close();
  });

  for (const window of [1, 100, 10_000, 1024 * 1024]) {
    test(`a window of ${window}: a stream arrives whole, ${kind}, beside calls`, async () => {
      const { client, server } = both(lists(kind, (i) => i % 100 === 7 ? LARGE + i : i), {
        maxBufferedBytes: window,
      });
      let read = 0;
      for await (const item of client.streaming(list(1000))) {
        assertEquals(item.body, read % 100 === 7 ? LARGE + read : read);
        if (read % 10 === 0) assertEquals((await client.unary(body("x"))).body, "x");
        read++;
      }
      assertEquals(read, 1000);
      await client.close();
      await server.closed;
    });

    test(`a window of ${window}: a stream that nobody reads stops itself alone, ${kind}`, async () => {
      let asked = 0;
      const item = "x".repeat(1000);
      const { client } = both(lists(kind, () => (asked++, item)), { maxBufferedBytes: window });
      const streams = [1, 2, 3].map(() => client.streaming(list()));
      for (let i = 0; i < 100; i++) {
        assertEquals((await client.unary(body(LARGE))).body, LARGE);
      }
      const stopped = await quiet(() => asked);
      // An item more, as it was begun within the window, and one that an async stream has ready.
      const most = 3 * (Math.ceil(window / 1064) + 2);
      assert(stopped <= most, `${stopped} items were asked for, of at most ${most}`);
      assert(stopped >= 3, `only ${stopped} items were asked for`);
      // And each goes on when it is read.
      for (const stream of streams) {
        for (let i = 0; i < 200; i++) assertEquals((await stream.next()).value?.body, item);
        await stream.return();
      }
      assertEquals(client.inFlight, 0);
      await client.close();
    });
  }

  test(`maxConcurrentRpcs counts streams, not their items, ${kind}`, async () => {
    const { client } = both(lists(kind, () => LARGE), { server: { maxConcurrentRpcs: 2 } });
    const stream = client.streaming(list());
    for (let i = 0; i < 100; i++) {
      await stream.next();
      assertEquals((await soon(client.unary(body(i)), "an answer")).body, i);
    }
    await stream.return();
    await client.close();
  });

  test(`slow readers of many streams at the bound of the server, ${kind}`, async () => {
    // All places are taken by streams that wait for their readers, and requests wait behind.
    const { client } = both(lists(kind), {
      maxBufferedBytes: 1000,
      server: { maxConcurrentRpcs: 4 },
    });
    const streams = Array.from({ length: 8 }, () => client.streaming(list(500)));
    const calls = Array.from({ length: 5000 }, (_, i) => client.unary(body(`call ${i}`)));
    for (const stream of streams) {
      let read = 0;
      for await (const item of stream) assertEquals(item.body, read++);
      assertEquals(read, 500);
    }
    await soon(Promise.all(calls), "the calls");
    await client.close();
  });

  test(`streams left at the bound of the server make room for the calls behind, ${kind}`, async () => {
    const { client } = both(lists(kind, () => LARGE), {
      maxBufferedBytes: 1000,
      server: { maxConcurrentRpcs: 2 },
    });
    const streams: RpcStream<Message>[] = [client.streaming(list()), client.streaming(list())];
    for (const stream of streams) await stream.next();
    const call = client.unary(body("behind"));
    for (const stream of streams) await stream.return();
    assertEquals((await soon(call, "the call")).body, "behind");
    await client.close();
  });

  test(`a client that closes amid streams ends at once, ${kind}`, async () => {
    const { client, server } = both(lists(kind, () => LARGE));
    const streams = [1, 2, 3].map(() => client.streaming(list()));
    await streams[0]!.next();
    const reads = streams.map((stream) => outcome(stream.next()));
    assertEquals(await soon(client.close(), "the client's end"), { kind: "local" });
    await soon(server.closed, "the server's end");
    await Promise.all(reads);
  });

  test(`a server that closes amid a stream leaves it and says so, ${kind}`, async () => {
    let asked = 0;
    const { client, server } = both(lists(kind, () => (asked++, "item")));
    const stream = client.streaming(list());
    for (let i = 0; i < 10; i++) await stream.next();
    const before = asked;
    const closed = server.close();
    let read = 0;
    let failure: unknown;
    try {
      for await (const _ of stream) read++;
    } catch (error) {
      failure = error;
    }
    assertEquals((failure as { code?: string }).code, "cancelled");
    assert(asked <= before + 1, `${asked - before} more items were asked for`);
    assert(read <= before, `${read} items were read`);
    assertEquals((await soon(closed, "the server's end")).kind, "local");
    assertEquals((await soon(client.closed, "the client's end")).kind, "peer");
  });
}

test("a stream of large items is held in memory once, and a window at most", async () => {
  let asked = 0;
  const { client } = both(async function* () {
    for (;;) yield body("x".repeat(1024 * 1024) + asked++);
  }, { pair: { capacity: 1 } });
  const stream = client.streaming(body("large"));
  await stream.next();
  // One was read, one fills the window, one is on its way, one waits to be encoded.
  assert(await quiet(() => asked) <= 5, `${asked} items of 1 MiB were asked for`);
  await stream.return();
  await client.close();
});

test("requests are read beside an endless async stream that always has something to send", async () => {
  const { client } = both(lists("async", () => "x".repeat(100)), {
    server: { maxPipelinedBytes: 100 },
    pair: { capacity: 4096, chunkSize: 4096 },
  });
  const stream = client.streaming(list());
  const reading = (async () => {
    for await (const _ of stream);
  })();
  for (let i = 0; i < 10; i++) {
    const asked = "y".repeat(200) + i;
    assertEquals((await soon(client.unary(body(asked)), "an answer")).body, asked);
  }
  await stream.return();
  await reading;
  await client.close();
});

test("a client whose ids have no room for its announcement grants nothing", async () => {
  const message = messages.request;
  const narrow = { ...message, ended: (id: RpcId) => message.ended(Number(id) % 2 ** 32) };
  for (const [ids, grants] of [[message, true], [narrow, false]] as const) {
    const { client, peer } = clientAndPeer({
      messages: { request: ids, response: message },
      maxBufferedBytes: 100,
    });
    const stream = client.streaming(body("numbers"));
    const { id } = await peer.next();
    for (let i = 0; i < 5; i++) {
      await peer.send(normal(id, i));
      assertEquals((await soon(stream.next(), "an item")).value?.body, i);
    }
    // Of a stream that is over, nothing is granted any more.
    if (grants) assertEquals((await peer.next()).code, ControlCode.end);
    await peer.send(end(id));
    assertEquals((await soon(stream.next(), "the end")).done, true);
    const rest = await closeClient(client, peer);
    if (!grants) assertEquals(rest.filter(({ code }) => code === ControlCode.end), []);
  }
});
