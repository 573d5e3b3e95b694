// Asks server.ts in this folder for a little work, for more, and for far too much, and prints
// how each call ends. Stop the server meanwhile.
//
//   deno run -A examples/graceful/client.ts 127.0.0.1:9000
//   bun examples/graceful/client.ts 127.0.0.1:9000
//   npx tsx examples/graceful/client.ts 127.0.0.1:9000
import process from "node:process";
import { json } from "@protosocket/protosocket/json";
import { RpcClient, RpcError } from "@protosocket/protosocket/rpc";
import { connect } from "@protosocket/protosocket/sockets";
import { plain } from "../support/plain_messages.ts";
import { parseAddress } from "../support/sockets.ts";
import { messages, type Request, type Response } from "./messages.ts";

const duplex = await connect(parseAddress(process.argv[2] ?? "127.0.0.1:9000"));
await using client = new RpcClient(duplex, { codec: json<Response, Request>(), messages });

async function ask(milliseconds: number): Promise<void> {
  try {
    const { body } = await client.unary(plain({ milliseconds }));
    console.log(`done: ${body?.done}`);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    console.log(`not done: ${milliseconds} ms of work, ${error.code}`);
  }
}

await Promise.all([10, 1000, 60_000].map(ask));
