// RPCs to threads: a pool of workers, called like servers.
//
//   deno run -A examples/workers/main.ts
//   bun examples/workers/main.ts
//   npx tsx examples/workers/main.ts
//
// The pool's endpoints are the numbers of the workers, and connecting starts a worker. A
// worker that dies is like a connection that ended: the pool starts it again, and retries
// calls that are marked as idempotent on another.
import { json } from "@protosocket/protosocket/json";
import { portDuplex } from "@protosocket/protosocket/message-port";
import { RpcClient, RpcPool } from "@protosocket/protosocket/rpc";
import { plain } from "../support/plain_messages.ts";
import { startWorker } from "../support/workers.ts";
import { messages, type Request, type Response } from "./messages.ts";

const WORKERS = 3;
const LIMIT = 3_000_000;
const STEP = 100_000;

const pool = new RpcPool<Request, Response, number>({
  endpoints: Array.from({ length: WORKERS }, (_, number) => number),
  slots: WORKERS,
  connect: () => {
    const worker = startWorker(new URL("./worker.ts", import.meta.url));
    const client = new RpcClient(portDuplex(worker), {
      codec: json<Response, Request>(),
      messages,
    });
    // However the connection ends, the worker ends with it.
    client.closed.then(() => worker.terminate());
    return Promise.resolve(client);
  },
});

const workers = new Set<number>();
let primes = 0;
await Promise.all(Array.from({ length: LIMIT / STEP }, async (_, i) => {
  const request = plain({ from: i * STEP, below: (i + 1) * STEP });
  const { body } = await pool.unary(request, { idempotent: true });
  primes += body!.primes;
  workers.add(body!.worker);
}));
console.log(`${primes} primes below ${LIMIT}, counted by ${workers.size} workers`);
await pool.close();
