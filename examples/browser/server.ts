// A page with a typed client of ../services/prices.proto, and the server that it calls: one answer,
// a stream to cancel, a live chart of latency, and reconnecting after the server has been restarted.
//
//   deno run -A examples/browser/server.ts
//   bun examples/browser/server.ts
//   npx tsx examples/browser/server.ts
//
// Then open http://127.0.0.1:8000. The two optional arguments are the addresses of the page
// (default 127.0.0.1:8000) and of the RPCs (default 127.0.0.1:8001).
//
// The page can call another server of that service: http://127.0.0.1:8000/?server=ws://127.0.0.1:9002
// uses examples/gateway, which forwards to a TCP server such as examples/services/server.ts, or
// one in Rust; start it with http://127.0.0.1:8000 as an origin that may connect.
import process from "node:process";
import { formatAddress, parseAddress } from "../support/sockets.ts";
import { webSockets } from "../support/web_sockets.ts";
import { bundlePage } from "./bundle.ts";
import { pageFiles } from "./files.ts";
import { servePages } from "./pages.ts";
import { serveQuotes } from "./service.ts";

const [pageAt = "127.0.0.1:8000", rpcsAt = "127.0.0.1:8001"] = process.argv.slice(2);
const { listen } = await webSockets();
const files = pageFiles(await bundlePage());
const pages = await servePages(parseAddress(pageAt), files);
// Otherwise a page of any site could connect. This page's host has two names.
const { port } = new URL(pages.origin);
const allowedOrigins = [pages.origin, `http://localhost:${port}`];
const listener = await listen({ ...parseAddress(rpcsAt), allowedOrigins });
const server = serveQuotes(listener);
const url = `ws://${formatAddress(listener.address)}`;
files["/server"] = { type: "text/plain", body: url };
console.log(`rpcs at ${url}`);
console.log(`open ${pages.origin}`);
await server.finished;
