// Connecting from a worker, to servers on Node.
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, TLSSocket } from "node:tls";
import type { Listener } from "../../mod.ts";
import { listen } from "../../src/adapters/websocket_node.ts";
import { authority, certified } from "../support/certificates.ts";
import { casesInWorker } from "./cases.ts";

await casesInWorker("tests/edge/connect_worker.ts", async () => {
  const ca = await authority();
  const ours = await certified(ca, ["localhost"]);
  const stranger = await certified(await authority("A stranger"), ["localhost"]);
  const echo = (socket: Socket) => void socket.on("error", () => {}).pipe(socket);
  const servers: Record<string, Server> = {
    ECHO: createServer({ allowHalfOpen: true }, echo),
    TLS: createTlsServer(ours, echo),
    STRANGER: createTlsServer(stranger, echo).on("tlsClientError", () => {}),
    STARTTLS: createServer((socket) => {
      socket.on("error", () => {}).once("data", () => {
        socket.write("go\n");
        echo(new TLSSocket(socket, { isServer: true, ...ours }));
      });
    }),
    SILENT: createServer((socket) => void socket.on("error", () => {})),
  };
  const vars: Record<string, string> = {};
  for (const [name, server] of Object.entries(servers)) {
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    vars[name] = String((server.address() as { port: number }).port);
  }
  const webSockets = await listen({ hostname: "localhost", port: 0 });
  vars.WEBSOCKET = String((webSockets.address as { port: number }).port);
  echoAll(webSockets);
  return {
    vars,
    trusted: ca.cert,
    close() {
      for (const server of Object.values(servers)) server.close();
      return webSockets.close();
    },
  };
});

async function echoAll(listener: Listener): Promise<void> {
  for await (const { readable, writable } of listener) readable.pipeTo(writable).catch(() => {});
}
