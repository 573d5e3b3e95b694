// A server whose RPCs are heavy work, done by other threads:
//
//   deno run -A examples/spawn/server.ts 127.0.0.1:9000
//   bun examples/spawn/server.ts 127.0.0.1:9000
//   npx tsx examples/spawn/server.ts 127.0.0.1:9000
//
// A handler passes its work to a small pool of workers and returns a promise, so that the
// event loop stays free and light requests are answered at once. Work that a client cancels
// is stopped even if it is running. When too many jobs are waiting, requests are refused,
// which is better for a client than waiting without end.
//
// The messages are JSON, so `nc 127.0.0.1 9000` can be a client:
// {"id":1,"code":0,"body":{"primesBelow":1000000}}
import process from "node:process";
import { json } from "@protosocket/protosocket/json";
import { refused, serveRpc } from "@protosocket/protosocket/rpc";
import { listen } from "@protosocket/protosocket/sockets";
import { plain } from "../support/plain_messages.ts";
import { formatAddress, parseAddress } from "../support/sockets.ts";
import { messages, type Request, type Response } from "./messages.ts";
import { WorkerPool } from "./pool.ts";

const pool = new WorkerPool(new URL("./worker.js", import.meta.url), {
  workers: 2,
  maxWaiting: 16,
});

async function countPrimes(limit: number, signal: AbortSignal): Promise<Response> {
  signal.addEventListener("abort", () => console.log(`stopped: primes below ${limit}`));
  return plain({ primes: await pool.run(limit, signal) as number });
}

const listener = await listen(parseAddress(process.argv[2] ?? "127.0.0.1:9000"));
const server = serveRpc(listener, {
  codec: () => json<Request, Response>(),
  messages,
  service: () => ({ body }, context) => {
    if (!body) return refused;
    if (body.primesBelow === undefined) return plain({});
    return pool.full ? refused : countPrimes(body.primesBelow, context.signal);
  },
});
console.log(`listening ${formatAddress(listener.address)}`);
await server.finished;
