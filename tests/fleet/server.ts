// A server of a fleet: one port for who connects directly, and one behind a proxy, with TLS.
// SIGTERM ends it in order.
//
//   ... tests/fleet/server.ts NAME PORT PROXIED_PORT CERT_FILE KEY_FILE
import { readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { json } from "@protosocket/protosocket/json";
import { type RpcHandler, serveRpc } from "@protosocket/protosocket/rpc";
import { plain } from "../../examples/support/plain_messages.ts";
import { sockets } from "../../examples/support/sockets.ts";
import { messages, type Request, type Response, SLOWER } from "./messages.ts";

const [name, port, proxied, cert, key] = process.argv.slice(2);
let slower = 0;

const handler: RpcHandler<Request, Response> = ({ body }) => {
  const { number, ms } = body!;
  const answer = plain({ number, server: name! });
  if (number === SLOWER) {
    slower = ms;
    return answer;
  }
  return ms + slower === 0 ? answer : setTimeout(ms + slower, answer);
};

const { listen } = await sockets();
const config = { codec: () => json<Request, Response>(), messages, service: () => handler };
const tls = { cert: readFileSync(cert!, "utf8"), key: readFileSync(key!, "utf8") };
const proxyProtocol = { trust: ["127.0.0.0/8"] };
const servers = [
  serveRpc(await listen({ port: Number(port) }), config),
  // All clients come from the proxy, and so do its health checks.
  serveRpc(await listen({ port: Number(proxied), tls, proxyProtocol }), config),
];
process.on("SIGTERM", () => {
  for (const server of servers) server.close({ timeout: 10_000 });
});
console.log("ready");
await Promise.all(servers.map(({ finished }) => finished));
