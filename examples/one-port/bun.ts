// Pages and WebSockets on one port, with `Bun.serve`.
//
//   bun examples/one-port/bun.ts 8000
//   bun examples/one-port/client.ts ws://127.0.0.1:8000/rpc?name=Ada hello
import process from "node:process";
import {
  type BunUpgrader,
  type BunWebSocketHandlers,
  upgradeListener,
} from "@protosocket/protosocket/websocket-bun";
import { PAGE, serveEcho } from "./echo.ts";

/** Of Bun's own types, what is used here: this file is checked by other compilers too. */
interface BunApi {
  serve(options: {
    port: number;
    hostname: string;
    fetch(request: Request, server: BunUpgrader): Response;
    websocket: BunWebSocketHandlers;
  }): { readonly port: number };
}
const { Bun } = globalThis as unknown as { Bun: BunApi };

const sockets = upgradeListener({ pathname: "/rpc" });
serveEcho(sockets);

const { port } = Bun.serve({
  port: Number(process.argv[2] ?? 8000),
  hostname: "127.0.0.1",
  fetch(request, server) {
    if (sockets.takes(request)) return sockets.upgrade(request, server);
    return new Response(PAGE);
  },
  websocket: sockets.websocket,
});
console.log(`listening 127.0.0.1:${port}`);
