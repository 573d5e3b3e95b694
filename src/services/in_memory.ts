import { Connection, duplexPair } from "../../mod.ts";
import { checkOptions, shown, wrong } from "../check.ts";
import type { RpcClient } from "../rpc/mod.ts";
import { clientOf, serviceClient, type ServiceConnectionOptions } from "./client/service_client.ts";
import { clientCodec } from "./envelope/codec.ts";
import { direct, Lane } from "./envelope/direct.ts";
import type { ServiceRequest, ServiceResponse } from "./envelope/messages.ts";
import type { Implementation } from "./handlers.ts";
import { checkMetadataLimits } from "./metadata_options.ts";
import { serviceConnectorNow, type ServiceServerOptions } from "./server/server.ts";

/** Options of {@linkcode inMemory}: those of the server's end, and of the client's. */
export interface InMemoryOptions extends Omit<ServiceServerOptions, "services" | "onConnection"> {
  /** Options of the client's end. */
  readonly client?: ServiceConnectionOptions;
  /**
   * Whether messages are encoded on the way, as over a socket. `false` takes less time, but the
   * other end gets the very message that one end has given away, if both have the same definition:
   * neither may change it then, and what cannot be encoded, or would be another value (a `Date` in
   * JSON), is not found. What validators say still counts, and all but messages is as it is
   * with a codec. Sizes do not count messages then, as of `maxBufferLength`.
   *
   * @default {true}
   */
  readonly codec?: boolean;
}

/** A client of services in the same process. */
export interface InMemoryServices
  extends Pick<RpcClient<ServiceRequest, ServiceResponse>, "unary" | "streaming">, AsyncDisposable {
  /** Ends the connection in order. */
  close(): Promise<unknown>;
}

/**
 * Connects a client with services in the same process, without sockets, for tests and for parts of
 * one program: everything between a client and a handler is as it is over a socket, from the codec,
 * which can be left out, to deadlines. The two ends are garbage once nobody uses them, so it need
 * not be closed. Throws as `serveServices` does.
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
  const { client = {}, codec = true, ...server } = options;
  checkOptions("client", client);
  if (typeof codec !== "boolean") throw wrong(`codec must be true or false, not ${shown(codec)}`);
  const [here, there] = duplexPair();
  const config = serviceConnectorNow({ ...server, services })(there);
  if (codec) {
    new Connection(there, config);
    return serviceClient(here, client);
  }
  const [requests, responses] = [new Lane(), new Lane()];
  new Connection(there, { ...config, codec: direct(config.codec, requests, responses) });
  const own = clientCodec(checkMetadataLimits(client));
  return clientOf(here, client, direct(own, responses, requests));
}
