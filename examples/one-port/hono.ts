// Pages and WebSockets on one port, with Hono: on Node by @hono/node-server, and on Deno and Bun
// by their own servers.
//
//   npx tsx examples/one-port/hono.ts 8000        # or deno run -A, or bun
//   npx tsx examples/one-port/client.ts ws://127.0.0.1:8000/rpc?name=Ada hello
import process from "node:process";
import { Hono } from "hono";
import type { BunUpgrader, BunWebSocketHandlers } from "@protosocket/protosocket/websocket-bun";
import type { RequestInfo } from "@protosocket/protosocket/websocket-deno";
import { PAGE, serveEcho } from "./echo.ts";

/** Of the runtimes' own types, what is used here. */
interface Runtimes {
  readonly Deno?: {
    serve(
      options: { port: number; hostname: string; onListen(address: { port: number }): void },
      handler: (request: Request, info: RequestInfo) => Response | Promise<Response>,
    ): unknown;
  };
  readonly Bun?: {
    serve(options: {
      port: number;
      hostname: string;
      fetch(request: Request, server: BunUpgrader): Response | Promise<Response>;
      websocket: BunWebSocketHandlers;
    }): { readonly port: number };
  };
}

const { Deno, Bun } = globalThis as Runtimes;
const port = Number(process.argv[2] ?? 8000);
const hostname = "127.0.0.1";
const listening = (port: number) => console.log(`listening ${hostname}:${port}`);
const app = new Hono<{ Bindings: object }>();
app.get("/", (c) => c.text(PAGE));

if (Deno) {
  const { upgradeListener } = await import("@protosocket/protosocket/websocket-deno");
  const sockets = upgradeListener();
  serveEcho(sockets);
  // What Deno.serve tells of the request is in `c.env`.
  app.get("/rpc", (c) => sockets.upgrade(c.req.raw, c.env as RequestInfo));
  Deno.serve({ port, hostname, onListen: ({ port }) => listening(port) }, app.fetch);
} else if (Bun) {
  const { upgradeListener } = await import("@protosocket/protosocket/websocket-bun");
  const sockets = upgradeListener();
  serveEcho(sockets);
  // The server itself is in `c.env`.
  app.get("/rpc", (c) => sockets.upgrade(c.req.raw, c.env as BunUpgrader));
  listening(Bun.serve({ port, hostname, fetch: app.fetch, websocket: sockets.websocket }).port);
} else {
  const { serve } = await import("@hono/node-server");
  const { upgradeListener } = await import("@protosocket/protosocket/websocket-node");
  const sockets = upgradeListener({ pathname: "/rpc" });
  serveEcho(sockets);
  // Upgrades do not go through Hono on Node, but through the server below it.
  serve({ fetch: app.fetch, port, hostname }, ({ port }) => listening(port))
    .on("upgrade", (request, socket, head) => {
      if (sockets.takes(request)) sockets.upgrade(request, socket, head);
      else socket.destroy();
    });
}
