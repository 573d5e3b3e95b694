// The echo as a service.
import { serveServices } from "@protosocket/protosocket/services";
import { listen } from "@protosocket/protosocket/sockets";
import { MAX_MESSAGE } from "../../limits.ts";
import { serving } from "../../server.ts";
import { echoService } from "./echo.ts";

const listener = await listen({ port: 0 });
serveServices(listener, {
  services: [echoService().served],
  maxBufferLength: MAX_MESSAGE,
  maxConnections: 20_000,
  maxConnectionsPerAddress: 20_000,
});
if (listener.address.transport !== "tcp") throw new Error("It listens on no port");
await serving(listener.address.port);
