import { Connection, duplexPair } from "../../mod.ts";
import { checkOptions } from "../check.ts";
import type { RpcClient } from "../rpc/mod.ts";
import { serviceClient, type ServiceConnectionOptions } from "./client/service_client.ts";
import type { ServiceRequest, ServiceResponse } from "./envelope/messages.ts";
import type { Implementation } from "./handlers.ts";
import { serviceConnectorNow, type ServiceServerOptions } from "./server/server.ts";

/** Options of {@linkcode inMemory}: those of the server's end, and of the client's. */
export interface InMemoryOptions extends Omit<ServiceServerOptions, "services" | "onConnection"> {
  /** Options of the client's end. */
  readonly client?: ServiceConnectionOptions;
}

/** A client of services in the same process. */
export interface InMemoryServices
  extends Pick<RpcClient<ServiceRequest, ServiceResponse>, "unary" | "streaming">, AsyncDisposable {
  /** Ends the connection in order. */
  close(): Promise<unknown>;
}

/**
 * Connects a client with services in the same process, without sockets, for tests and for parts of
 * one program: everything between a client and a handler is as it is over a socket, from the codec
 * to deadlines. The two ends are garbage once nobody uses them, so it need not be closed. Throws
 * as `serveServices` does.
 *
 * @example
 * ```ts
 * import { createClient, defineService, implement, inMemory } from "@protosocket/protosocket/services";
 * import { z } from "zod"; // or valibot, arktype …
 *
 * const Greeter = defineService("example.Greeter", {
 *   hello: { request: z.string(), response: z.string() },
 * });
 * const client = createClient(Greeter, inMemory([implement(Greeter, { hello: () => "hi" })]));
 * console.log(await client.hello("world")); // hi
 * ```
 */
export function inMemory(
  services: readonly Implementation[],
  options: InMemoryOptions = {},
): InMemoryServices {
  checkOptions("options", options);
  checkOptions("client", options.client);
  const [here, there] = duplexPair();
  new Connection(there, serviceConnectorNow({ ...options, services })(there));
  return serviceClient(here, options.client);
}
