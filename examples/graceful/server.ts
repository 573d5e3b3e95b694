// A server that shuts down gracefully. On SIGTERM or Ctrl-C, it accepts no more connections
// and no more RPCs, and tells its clients so: a pool makes its calls elsewhere from then on.
// RPCs in flight may finish until a deadline; then their signals fire and their clients'
// calls are cancelled. The second argument is the deadline, in milliseconds.
//
//   deno run -A examples/graceful/server.ts 127.0.0.1:9000 5000
//   bun examples/graceful/server.ts 127.0.0.1:9000 5000
//   npx tsx examples/graceful/server.ts 127.0.0.1:9000 5000
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { json } from "@protosocket/protosocket/json";
import { refused, type RpcContext, serveRpc } from "@protosocket/protosocket/rpc";
import { listen } from "@protosocket/protosocket/sockets";
import { plain } from "../support/plain_messages.ts";
import { formatAddress, parseAddress } from "../support/sockets.ts";
import { messages, type Request, type Response } from "./messages.ts";

const [address = "127.0.0.1:9000", deadline = "5000"] = process.argv.slice(2);

async function work(milliseconds: number, { signal }: RpcContext): Promise<Response> {
  signal.addEventListener("abort", () => console.log(`given up: ${signal.reason.message}`));
  await setTimeout(milliseconds, undefined, { signal });
  console.log(`finished: ${milliseconds} ms of work`);
  return plain({ done: `${milliseconds} ms of work` });
}

const listener = await listen(parseAddress(address));
const server = serveRpc(listener, {
  codec: () => json<Request, Response>(),
  messages,
  service: () => ({ body }, context) => body ? work(body.milliseconds, context) : refused,
});
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    void server.close({ timeout: Number(deadline) });
    console.log(`closing within ${deadline} ms`);
  });
}

console.log(`listening ${formatAddress(listener.address)}`);
await server.finished;
console.log("closed");
