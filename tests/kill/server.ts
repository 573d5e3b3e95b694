// Answers requests with their own body, a moment later, and keeps a journal of what it was
// asked, in a file that outlives it. SIGTERM ends it in order.
//
//   ... tests/kill/server.ts PORT JOURNAL MILLISECONDS
import { closeSync, openSync, writeSync } from "node:fs";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { json } from "@protosocket/protosocket/json";
import { serveRpc } from "@protosocket/protosocket/rpc";
import { formatAddress, sockets } from "../../examples/support/sockets.ts";
import { messages, type Request, type Response } from "./messages.ts";

const [port, path, milliseconds] = process.argv.slice(2);
const journal = openSync(path!, "a");
let [accepted, answered] = [0, 0];

const { listen } = await sockets();
const listener = await listen({ port: Number(port) });
const server = serveRpc(listener, {
  codec: () => json<Request, Response>(),
  messages,
  service: () => async ({ body = -1 }) => {
    accepted++;
    writeSync(journal, `${body}\n`);
    await setTimeout(Number(milliseconds));
    answered++;
    return { id: 0, code: 0, body };
  },
});
process.on("SIGTERM", () => void server.close({ timeout: 20_000 }));
console.log(`listening ${formatAddress(listener.address)}`);
await server.finished;
closeSync(journal);
console.log(`accepted ${accepted} answered ${answered}`);
