// Pages and WebSockets on one port, with `Deno.serve`.
//
//   deno run -A examples/one-port/deno.ts 8000
//   deno run -A examples/one-port/client.ts ws://127.0.0.1:8000/rpc?name=Ada hello
import process from "node:process";
import { type RequestInfo, upgradeListener } from "@protosocket/protosocket/websocket-deno";
import { PAGE, serveEcho } from "./echo.ts";

/** Of Deno's own types, what is used here: this file is checked by other compilers too. */
interface DenoApi {
  serve(
    options: { port: number; hostname: string; onListen(address: { port: number }): void },
    handler: (request: Request, info: RequestInfo) => Response,
  ): unknown;
}
const { Deno } = globalThis as unknown as { Deno: DenoApi };

const sockets = upgradeListener({ pathname: "/rpc" });
serveEcho(sockets);

Deno.serve({
  port: Number(process.argv[2] ?? 8000),
  hostname: "127.0.0.1",
  onListen: ({ port }) => console.log(`listening 127.0.0.1:${port}`),
}, (request, info) => {
  if (sockets.takes(request)) return sockets.upgrade(request, info);
  return new Response(PAGE);
});
