// Sends lines to one of the servers of this folder, and prints the answers.
//
//   npx tsx examples/one-port/client.ts ws://127.0.0.1:8000/rpc?name=Ada hello
import process from "node:process";
import { Connection } from "@protosocket/protosocket";
import { lines } from "@protosocket/protosocket/lines";
import { connect } from "@protosocket/protosocket/websocket";

const [url = "ws://127.0.0.1:8000/rpc?name=Ada", ...said] = process.argv.slice(2);
// Node 20 has no WebSocket of its own.
const webSocket = (globalThis as { WebSocket?: unknown }).WebSocket
  ? undefined
  : (await import("ws")).WebSocket;

let left = said.length;
const duplex = await connect(url, webSocket ? { webSocket } : {});
const connection = new Connection<string>(duplex, {
  codec: lines(),
  reactor: () => ({
    onInboundMessage(line) {
      console.log(line);
      return --left === 0 ? "disconnect" : "continue";
    },
  }),
});
for (const line of said) await connection.sender.send(line);
const reason = await connection.closed;
if (reason.kind === "error") throw reason.error;
