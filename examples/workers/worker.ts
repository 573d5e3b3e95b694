// One of the workers: an RPC server whose only connection is the worker's port. In a
// browser's worker, or a web worker of Deno or Bun, use `self` instead of `parentPort`.
import { Connection } from "@protosocket/protosocket";
import { json } from "@protosocket/protosocket/json";
import { portDuplex } from "@protosocket/protosocket/message-port";
import { refused, rpcReactor } from "@protosocket/protosocket/rpc";
import { parentPort, threadId } from "node:worker_threads";
import { plain } from "../support/plain_messages.ts";
import { messages, type Request, type Response } from "./messages.ts";

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) {
    if (number % divisor === 0) return false;
  }
  return number > 1;
}

new Connection(portDuplex(parentPort!), {
  codec: json<Request, Response>(),
  reactor: rpcReactor(messages, ({ body }: Request) => {
    if (!body) return refused;
    let primes = 0;
    for (let number = body.from; number < body.below; number++) {
      if (isPrime(number)) primes++;
    }
    return plain({ primes, worker: threadId });
  }),
});
