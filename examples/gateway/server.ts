// A gateway from WebSockets to a TCP server, so that a page can talk to it:
//
//   deno run -A examples/gateway/server.ts 127.0.0.1:9002 127.0.0.1:9000
//   bun examples/gateway/server.ts 127.0.0.1:9002 127.0.0.1:9000
//   npx tsx examples/gateway/server.ts 127.0.0.1:9002 127.0.0.1:9000
//
// The first address is where it listens, the second where it connects to. Further arguments
// are the origins whose pages may connect, such as http://localhost:8000; without any, only
// pages of its own host may.
import { connect } from "@protosocket/protosocket/sockets";
import process from "node:process";
import { formatAddress, parseAddress } from "../support/sockets.ts";
import { webSockets } from "../support/web_sockets.ts";
import { gateway } from "./gateway.ts";

const [at = "127.0.0.1:9002", to = "127.0.0.1:9000", ...origins] = process.argv.slice(2);
const target = parseAddress(to);
const { listen } = await webSockets();
const listener = await listen({
  ...parseAddress(at),
  ...(origins.length > 0 && { allowedOrigins: origins }),
});
console.log(`listening ${formatAddress(listener.address)}`);
// Do not keep clients waiting long for a server that does not answer.
await gateway(listener, () => connect({ ...target, signal: AbortSignal.timeout(10_000) }));
