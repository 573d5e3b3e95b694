// Serves prices.proto:
//
//   deno run -A examples/services/server.ts 127.0.0.1:9000
//   bun examples/services/server.ts 127.0.0.1:9000
//   npx tsx examples/services/server.ts 127.0.0.1:9000
//
// SIGTERM ends it in order.
import process from "node:process";
import { serveServices } from "@protosocket/protosocket/services";
import { listen } from "@protosocket/protosocket/sockets";
import { formatAddress, parseAddress } from "../support/sockets.ts";
import { prices } from "./service.ts";

const listener = await listen(parseAddress(process.argv[2] ?? "127.0.0.1:9000"));
const server = serveServices(listener, {
  services: [prices],
  onError: (error, context) => console.error(context?.method.path, error),
});
process.on("SIGTERM", () => void server.close());
console.log(`listening ${formatAddress(listener.address)}`);
await server.finished;
