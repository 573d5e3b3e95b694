// A page that calls rpcs, and the server that it calls: one answer, a stream that is
// cancelled, a live chart of latency, a server that goes away and comes back.
//
//   deno run -A examples/browser/server.ts
//   bun examples/browser/server.ts
//   npx tsx examples/browser/server.ts
//
// Then open http://127.0.0.1:8000. Two arguments are where the page is and where the rpcs
// are, 127.0.0.1:8000 and 127.0.0.1:8001 if left out.
//
// The page may call another echo server: http://127.0.0.1:8000/?server=ws://127.0.0.1:9002
// is for examples/gateway, which takes it on to a TCP server such as that of the Rust
// crates, if it is told that pages of http://127.0.0.1:8000 may connect.
import process from "node:process";
import { formatAddress, parseAddress } from "../support/sockets.ts";
import { webSockets } from "../support/web_sockets.ts";
import { bundlePage } from "./bundle.ts";
import { pageFiles } from "./files.ts";
import { servePages } from "./pages.ts";
import { serveRpcs } from "./service.ts";

const [pageAt = "127.0.0.1:8000", rpcsAt = "127.0.0.1:8001"] = process.argv.slice(2);
const { listen } = await webSockets();
const files = pageFiles(await bundlePage());
const pages = await servePages(parseAddress(pageAt), files);
// A page of any site could connect otherwise. This one has two names.
const { port } = new URL(pages.origin);
const allowedOrigins = [pages.origin, `http://localhost:${port}`];
const listener = await listen({ ...parseAddress(rpcsAt), allowedOrigins });
const server = serveRpcs(listener);
const url = `ws://${formatAddress(listener.address)}`;
files["/server"] = { type: "text/plain", body: url };
console.log(`rpcs at ${url}`);
console.log(`open ${pages.origin}`);
await server.finished;
