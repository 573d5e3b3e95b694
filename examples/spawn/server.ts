// A server whose rpcs are heavy work, done by other threads:
//
//   deno run -A examples/spawn/server.ts 127.0.0.1:9000
//   bun examples/spawn/server.ts 127.0.0.1:9000
//   npx tsx examples/spawn/server.ts 127.0.0.1:9000
//
// A handler hands its work to a small pool of workers and gives back a promise, so that
// all connections go on meanwhile: what is answered here is answered at once. What a
// client cancels is stopped in the middle. When too much waits, requests are refused: a
// client that can be told so is better off than one that waits for ever.
//
// The messages are JSON; `nc 127.0.0.1 9000` does for a client:
// {"id":1,"code":0,"body":{"primesBelow":1000000}}
import process from "node:process";
import { json } from "@protosocket/protosocket/json";
import { refused, serveRpc } from "@protosocket/protosocket/rpc";
import { plain } from "../support/plain_messages.ts";
import { formatAddress, parseAddress, sockets } from "../support/sockets.ts";
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

const { listen } = await sockets();
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
