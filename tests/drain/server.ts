// A server of a fleet. SIGTERM ends it in order, within so many milliseconds; then it prints
// how many calls it has begun and how many of them it has answered.
//
//   ... tests/drain/server.ts PORT MILLISECONDS
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { json } from "@protosocket/protosocket/json";
import { type RpcContext, serveRpc } from "@protosocket/protosocket/rpc";
import { plain } from "../../examples/support/plain_messages.ts";
import { formatAddress, sockets } from "../../examples/support/sockets.ts";
import { COUNT, messages, type Request, type Response } from "./messages.ts";

const [port, timeout] = process.argv.slice(2).map(Number);
let [begun, answered] = [0, 0];

async function work(number: number, ms: number): Promise<Response> {
  begun++;
  await setTimeout(ms);
  answered++;
  return plain(number);
}

async function* items(ms: number, { signal }: RpcContext): AsyncGenerator<Response> {
  for (let number = 0; !signal.aborted; number++) {
    yield plain(number);
    await setTimeout(ms, undefined, { signal });
  }
}

const { listen } = await sockets();
const listener = await listen({ port: port! });
const server = serveRpc(listener, {
  codec: () => json<Request, Response>(),
  messages,
  service: () => ({ body }, context) => {
    const { number, ms, stream } = body!;
    if (number === COUNT) return plain(begun);
    return stream ? items(ms, context) : work(number, ms);
  },
});
process.on("SIGTERM", () => void server.close({ timeout }));
console.log(`listening ${formatAddress(listener.address)}`);
await server.finished;
console.log(`begun ${begun} answered ${answered}`);
