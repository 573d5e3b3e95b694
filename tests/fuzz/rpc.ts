// Invariants of both ends of RPCs, whatever the other end sends, in whatever order.
import fc from "fast-check";
import { refused, type RpcAnswer, RpcError, type RpcId } from "@protosocket/protosocket/rpc";
import {
  body,
  clientAndPeer,
  type Message,
  normal,
  type Peer,
  serverAndPeer,
} from "../support/rpc.ts";
import { soon, turn } from "../support/within.ts";
import { canonical } from "./canonical.ts";

/** Few ids, so that they meet, and some at the edges of what an id can be. */
const id: fc.Arbitrary<RpcId> = fc.oneof(
  { weight: 4, arbitrary: fc.nat(6) },
  fc.constantFrom(2 ** 32, 2 ** 53 - 1, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
);
const code = fc.oneof(fc.constantFrom(0, 1, 2), fc.constantFrom(3, 255, 2 ** 31, 2 ** 32 - 1));
const network = fc.record({
  capacity: fc.constantFrom(1, 100, 65536),
  chunkSize: fc.constantFrom(7, 100, 65536),
});

const HANDLERS: Record<string, (signal: AbortSignal) => RpcAnswer<Message>> = {
  value: () => body("last"),
  promise: () => turn().then(() => body("last")),
  refuse: () => refused,
  refuseLater: () => Promise.resolve(refused),
  unencodable: () => body(1n),
  throw() {
    throw new Error("oops");
  },
  reject: () => turn().then(() => Promise.reject(new Error("oops"))),
  untilCancelled: (signal) =>
    Promise.race([
      turn().then(turn).then(() => body("last")),
      new Promise<Message>((_, reject) => signal.addEventListener("abort", reject)),
    ]),
  async *stream() {
    yield body("item");
    await turn();
    yield body("item");
  },
  async *unencodableMidway() {
    yield body("item");
    yield body(1n);
  },
};
const bodies = fc.constantFrom(...Object.keys(HANDLERS));
const said = fc.record({ id, code, body: bodies });
const batches = fc.array(fc.array(said, { maxLength: 8 }), { maxLength: 12 });

/** Ends both sides, for what failed is tried again and again to make it smaller. */
async function finallyGone(peer: Peer, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } finally {
    peer.abort();
  }
}

/** Each rpc that a client begins gets exactly one end, and nothing else gets any. */
export function serverAnswersAll(): fc.IAsyncProperty<unknown> {
  const bounds = fc.record({ maxConcurrentRpcs: fc.integer({ min: 1, max: 20 }) });
  return fc.asyncProperty(batches, bounds, network, (batches, bounds, network) => {
    const { connection, peer } = serverAndPeer(
      ({ body }, { signal }) => HANDLERS[body as string]!(signal),
      bounds,
      network,
    );
    return finallyGone(peer, async () => {
      const reading = peer.rest();
      reading.catch(() => {});
      for (const batch of batches) if (batch.length > 0) await peer.send(...batch);
      await peer.end();
      const begun = batches.flat().filter(({ code }) => code === 0).map(({ id }) => String(id));
      const ended = (await reading)
        .filter(({ code, body }) => code !== 0 || body !== "item")
        .map(({ id }) => String(id));
      same(ended.sort(), begun.sort(), "The rpcs that ended are not those that were begun");
      const { kind } = await soon(connection.closed, "the end");
      same(kind, "peer", "The connection did not end in order");
    });
  }) as fc.IAsyncProperty<unknown>;
}

/** What a call must come to, by the messages that the server sent for it, in order. */
function expected(kind: string, own: RpcId, answers: Message[]): unknown[] {
  const result: unknown[] = [];
  for (const { id, code, body } of answers) {
    // A Cancel of the neighbour says that the answer is of the other kind.
    if (id !== own) return [...result, "answer-mismatch"];
    if (code === 0) result.push(body);
    else if (code === 2) return kind === "stream" ? result : [...result, "answer-mismatch"];
    else return [...result, "cancelled"];
    if (kind === "unary") return result;
  }
  return [...result, "connection-closed"];
}

/** Each call comes to what the messages for it say, and to nothing else. */
export function clientHearsAll(): fc.IAsyncProperty<unknown> {
  const kinds = fc.array(fc.constantFrom("unary", "stream"), { minLength: 1, maxLength: 6 });
  const bound = fc.constant(1024 * 1024);
  return fc.asyncProperty(kinds, batches, bound, network, (kinds, batches, bound, network) => {
    const { client, peer } = clientAndPeer({ maxBufferedBytes: bound }, network);
    return finallyGone(peer, async () => {
      const outcomes = kinds.map(async (kind) => {
        const result: unknown[] = [];
        try {
          if (kind === "unary") result.push((await client.unary(normal(0, kind))).body);
          else for await (const { body } of client.streaming(normal(0, kind))) result.push(body);
        } catch (error) {
          result.push(error instanceof RpcError ? error.code : error);
        }
        return result;
      });
      const requests = await peer.take(kinds.length);
      for (const batch of batches) if (batch.length > 0) await peer.send(...batch);
      await peer.end();
      for (const [i, request] of requests.entries()) {
        const own = request.id as number;
        const answers = batches.flat().filter(({ id, code }) =>
          id === own || id === (own ^ 1) && code !== 0 && code !== 2
        );
        const actual = await soon(outcomes[i]!, `the outcome of rpc ${request.id}`);
        same(actual, expected(kinds[i]!, own, answers), `Rpc ${request.id}, ${kinds[i]}`);
      }
      same(client.inFlight, 0, "Calls are left");
      // Once it may leave the stream of a unary call, and it lets streams go on.
      const said = (await peer.rest()).filter(({ id, code }) =>
        code === 2 ? Number(id) % 2 === 0 : code !== 1 || Number(id) % 2 === 1
      );
      same(said, [], "The client said more");
      same((await soon(client.closed, "the end")).kind, "peer", "It did not end in order");
    });
  }) as fc.IAsyncProperty<unknown>;
}

function same(actual: unknown, expected: unknown, what: string): void {
  if (canonical(actual) === canonical(expected)) return;
  throw new Error(`${what}: ${canonical(actual)}, expected ${canonical(expected)}`);
}
