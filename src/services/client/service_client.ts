import type { Codec, Duplex } from "../../../mod.ts";
import { RpcClient, type RpcClientConfig, type RpcMessages } from "../../rpc/mod.ts";
import { statusError } from "../_errors.ts";
import { checkOptions, delay } from "../../check.ts";
import { clientCodec } from "../envelope/codec.ts";
import {
  requestMessages,
  responseMessages,
  type ServiceRequest,
  type ServiceResponse,
} from "../envelope/messages.ts";
import { checkMetadataLimits, type MetadataOptions } from "../metadata_options.ts";

const MESSAGES: RpcMessages<ServiceRequest, ServiceResponse> = {
  request: requestMessages,
  response: {
    ...responseMessages,
    reason: (message) => message.status && statusError(message),
  },
};

/** The options of a connection that calls services: an `RpcClient`'s, without codec and messages. */
export interface ServiceConnectionOptions
  extends
    Omit<RpcClientConfig<ServiceRequest, ServiceResponse>, "codec" | "messages" | "heartbeat">,
    MetadataOptions {
  /**
   * Keeps an idle connection alive: every so many milliseconds without anything sent. From 1 to
   * 2,147,483,647.
   */
  readonly heartbeat?: number;
}

/**
 * Makes an RPC client that calls services, of any number, over one connection. It owns the duplex.
 * {@linkcode createClient} makes it typed, and so does it with an `RpcPool` of such clients. Throws
 * a `RangeError` for an option out of range.
 *
 * @example A pool
 * ```ts
 * import { connect } from "@protosocket/protosocket/node"; // or /deno, /bun
 * import { RpcPool } from "@protosocket/protosocket/rpc";
 * import { serviceClient } from "@protosocket/protosocket/services";
 *
 * await using pool = new RpcPool({
 *   endpoints: [{ hostname: "localhost", port: 9000 }],
 *   connect: async (endpoint, { signal }) => serviceClient(await connect({ ...endpoint, signal })),
 * });
 * console.log(pool.size); // 4
 * ```
 */
export function serviceClient(
  duplex: Duplex,
  options: ServiceConnectionOptions = {},
): RpcClient<ServiceRequest, ServiceResponse> {
  checkOptions("options", options);
  return clientOf(duplex, options, clientCodec(checkMetadataLimits(options)));
}

/** The same with a codec that has been made for it. */
export function clientOf(
  duplex: Duplex,
  options: ServiceConnectionOptions,
  codec: Codec<ServiceResponse, ServiceRequest>,
): RpcClient<ServiceRequest, ServiceResponse> {
  const { heartbeat } = options;
  const beat = heartbeat === undefined
    ? undefined
    : { interval: delay("heartbeat", heartbeat, 1), message: () => requestMessages.ended(0) };
  return new RpcClient(duplex, { ...options, heartbeat: beat, codec, messages: MESSAGES });
}
