// Pages and WebSockets on one port, with `node:http`.
//
//   npx tsx examples/one-port/node.ts 8000
//   npx tsx examples/one-port/client.ts ws://127.0.0.1:8000/rpc?name=Ada hello
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { upgradeListener } from "@protosocket/protosocket/websocket-node";
import { PAGE, serveEcho } from "./echo.ts";

const sockets = upgradeListener({ pathname: "/rpc" });
serveEcho(sockets);

const http = createServer((_request, response) => response.end(PAGE));
http.on("upgrade", (request, socket, head) => {
  if (sockets.takes(request)) sockets.upgrade(request, socket, head);
  else socket.destroy();
});
http.listen(Number(process.argv[2] ?? 8000), "127.0.0.1", () => {
  console.log(`listening 127.0.0.1:${(http.address() as AddressInfo).port}`);
});
