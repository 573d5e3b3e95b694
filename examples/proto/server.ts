// The echo server of the Rust crates' proto example:
//
//   deno run -A examples/proto/server.ts 127.0.0.1:9000
//   bun examples/proto/server.ts 127.0.0.1:9000
//   npx tsx examples/proto/server.ts 127.0.0.1:9000
//
// It answers a unary request with the request's message, and a stream request with one item
// per byte of it. A request without a body is refused. SIGTERM ends it in order.
import { listen } from "@protosocket/protosocket/sockets";
import process from "node:process";
import { formatAddress, parseAddress } from "../support/sockets.ts";
import { serveEcho } from "./service.ts";

const listener = await listen(parseAddress(process.argv[2] ?? "127.0.0.1:9000"));
const server = serveEcho(listener);
process.on("SIGTERM", () => void server.close());
console.log(`listening ${formatAddress(listener.address)}`);
await server.finished;
