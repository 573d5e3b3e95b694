// A client for server.ts in this folder, on one connection: it asks for heavy work and,
// meanwhile, for light work; then for too much work, which it cancels.
//
//   deno run -A examples/spawn/client.ts 127.0.0.1:9000
//   bun examples/spawn/client.ts 127.0.0.1:9000
//   npx tsx examples/spawn/client.ts 127.0.0.1:9000
import process from "node:process";
import { json } from "@protosocket/protosocket/json";
import { RpcClient, RpcError } from "@protosocket/protosocket/rpc";
import { connect } from "@protosocket/protosocket/sockets";
import { plain } from "../support/plain_messages.ts";
import { parseAddress } from "../support/sockets.ts";
import { messages, type Request, type Response } from "./messages.ts";

const duplex = await connect(parseAddress(process.argv[2] ?? "127.0.0.1:9000"));
await using client = new RpcClient(duplex, { codec: json<Response, Request>(), messages });

let computing = true;
const heavy = client.unary(plain({ primesBelow: 1_000_000 })).finally(() => computing = false);
let light = 0;
while (computing) {
  await client.unary(plain({}));
  light++;
}
console.log(`${(await heavy).body?.primes} primes below 1000000`);
console.log(`${light} light rpcs answered meanwhile`);

try {
  await client.unary(plain({ primesBelow: 1e12 }), { timeout: 300 });
} catch (error) {
  if (!(error instanceof RpcError)) throw error;
  console.log(`primes below 1e12: ${error.code}`);
}
