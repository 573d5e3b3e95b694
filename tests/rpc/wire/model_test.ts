// Peers that do anything in any order, held against the simplest description of what
// must come of it.
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { refused, type RpcAnswer, RpcError } from "@protosocket/protosocket/rpc";
import { type Random, withSeeds } from "../../support/random.ts";
import {
  body,
  cancel,
  clientAndPeer,
  end,
  type Message,
  normal,
  serverAndPeer,
} from "../../support/rpc.ts";
import { soon, turn } from "../../support/within.ts";

const SEEDS = 20;

function transport(random: Random) {
  const chunks = random.pick([100, 1000, 65536]);
  return { capacity: random.pick([1, 1000, 65536]), chunkSize: () => 50 + random.below(chunks) };
}

async function turns(count: number): Promise<void> {
  while (count-- > 0) await turn();
}

const HANDLERS: Record<string, (random: Random, signal: AbortSignal) => RpcAnswer<Message>> = {
  value: () => body("unary"),
  promise: (random) => turns(random.below(3)).then(() => body("unary")),
  refuse: () => refused,
  refuseLater: () => Promise.resolve(refused),
  unencodable: () => body(1n),
  throws() {
    throw new Error("oops");
  },
  rejects: (random) => turns(random.below(3)).then(() => Promise.reject(new Error("oops"))),
  untilCancelled: (_, signal) =>
    Promise.race([
      turns(10).then(() => body("unary")),
      new Promise<Message>((_, reject) => signal.addEventListener("abort", reject)),
    ]),
  async *stream(random) {
    for (let i = random.below(20); i > 0; i--) {
      if (random.below(4) === 0) await turn();
      yield body("item");
    }
  },
  async *throwsMidway(random) {
    for (let i = random.below(5); i > 0; i--) yield body("item");
    throw new Error("oops");
  },
  async *unencodableMidway() {
    yield body("item");
    yield body(1n);
    yield body("item");
  },
};

test("whatever a client sends, each of its rpcs gets exactly one end", () =>
  withSeeds(SEEDS, async (random) => {
    const { connection, peer, errors } = serverAndPeer(
      ({ body: kind }, { signal }) => HANDLERS[kind as string]!(random, signal),
      { maxConcurrentRpcs: 1 + random.below(40) },
      transport(random),
    );
    const asked = new Map<unknown, number>();
    const script = Array.from({ length: random.below(300) }, (): Message => {
      // Few ids, so that they are used again and again, also while in flight.
      const id = random.below(40);
      const sort = random.below(10);
      if (sort === 0) return end(id);
      if (sort < 4) return { id, code: random.pick([1, 1, 1, 3, 255]) };
      asked.set(id, (asked.get(id) ?? 0) + 1);
      return normal(id, random.pick(Object.keys(HANDLERS)));
    });
    const reading = peer.rest();
    while (script.length > 0) await peer.send(...script.splice(0, 1 + random.below(30)));
    await peer.end();

    const ended = new Map<unknown, number>();
    for (const { id, code, body } of await reading) {
      if (code === 0 && body === "item") continue;
      ended.set(id, (ended.get(id) ?? 0) + 1);
    }
    for (const [id, count] of asked) {
      assertEquals(ended.get(id), count, `rpc ${id} was begun ${count} times`);
    }
    assertEquals(ended.size, asked.size);
    assertEquals(await soon(connection.closed, "the end"), { kind: "peer" });
    assert(errors.every(([error]) => error instanceof Error));
  }));

/** In place of what a server says for a call's neighbour: that its answer is of the other kind. */
const OTHER_KIND = "other kind";

/** What must come of a call, by the messages that the server sent for it, in order. */
function expected(kind: string, answers: Message[]): unknown[] {
  const result: unknown[] = [];
  for (const { code, body } of answers) {
    if (body === OTHER_KIND) return [...result, "answer-mismatch"];
    if (code === 0) result.push(body);
    else if (code === 2 && kind === "stream") return result;
    else return [...result, code === 2 ? "answer-mismatch" : "cancelled"];
    if (kind === "unary") return result;
  }
  return [...result, "connection-closed"];
}

test("whatever a server sends, each call has the outcome that the first messages say", () =>
  withSeeds(SEEDS, async (random) => {
    const { client, peer } = clientAndPeer({}, transport(random));
    const kinds = Array.from({ length: 1 + random.below(50) }, () => {
      return random.pick(["unary", "stream"]);
    });
    const outcomes = kinds.map(async (kind) => {
      const result: unknown[] = [];
      try {
        if (kind === "unary") result.push((await client.unary(body(kind))).body);
        else for await (const item of client.streaming(body(kind))) result.push(item.body);
      } catch (error) {
        result.push(error instanceof RpcError ? error.code : error);
      }
      return result;
    });
    const requests = await peer.take(kinds.length);
    const sent = new Map<unknown, Message[]>(requests.map(({ id }) => [id, []]));
    for (let i = random.below(500); i > 0; i--) {
      const id = random.below(4 + kinds.length * 2);
      const answer = { id, code: random.pick([0, 0, 0, 0, 0, 0, 1, 2, 3, 255]), body: i };
      sent.get(id)?.push(answer);
      if (answer.code % 2 === 1) sent.get(id ^ 1)?.push({ ...answer, body: OTHER_KIND });
      await peer.send(answer);
    }
    await peer.end();
    for (const [i, { id, body: kind }] of requests.entries()) {
      const actual = await soon(outcomes[i]!, `the outcome of rpc ${id}`);
      assertEquals(actual, expected(kind as string, sent.get(id)!), `rpc ${id}, ${kind}`);
    }
    assertEquals(client.inFlight, 0);
    // A second response to a unary call may be a stream's, which is left once.
    const streamed = requests.filter(({ id, body: kind }) => {
      const [first, ...others] = sent.get(id)!;
      return kind === "unary" && first?.code === 0 && others.some(({ code }) => code === 0);
    });
    const left = (await peer.rest()).map(({ id, code }) => code === 1 ? Number(id) : undefined);
    assertEquals(left.sort(), streamed.map(({ id }) => Number(id)).sort());
    assertEquals(await soon(client.closed, "the end"), { kind: "peer" });
  }));

test("a server that is asked and cancelled at once, in any order, is left with nothing", () =>
  withSeeds(SEEDS, async (random) => {
    let running = 0;
    const { connection, peer } = serverAndPeer(
      async function* () {
        running++;
        try {
          for (;;) {
            if (random.below(2) === 0) await turn();
            yield body("x".repeat(random.below(5000)));
          }
        } finally {
          running--;
        }
      },
      {},
      transport(random),
    );
    for (let id = 0; id < 30; id++) {
      await peer.send(normal(id), ...random.below(2) ? [cancel(random.below(30))] : []);
    }
    const reading = peer.take(random.below(100));
    if (random.below(2)) await reading;
    peer.abort();
    await soon(connection.closed, "the end");
    await reading.catch(() => {});
    for (let waited = 0; running > 0; waited++) {
      assert(waited < 1000, `${running} generators have not been left`);
      await turn();
    }
  }));
