import {
  type ConnectionConfig,
  type ConnectionObserver,
  type ConnectionOptions,
  type Heartbeat,
  type Listener,
  serve,
  type ServeOptions,
  type Server,
  type SocketDuplex,
} from "../../../mod.ts";
import type { CancellableRpc } from "../../rpc/cancelling.ts";
import {
  type FailedRpc,
  type RpcAnswer,
  type RpcContext,
  type RpcObserver,
  rpcReactor,
  type RpcServerOptions,
} from "../../rpc/mod.ts";
import {
  checkCallback,
  checkListener,
  checkOptions,
  delay,
  requireOptions,
  wrong,
} from "../../check.ts";
import { checkConnectionOptions } from "../../options.ts";
import { errorLog } from "../../error_log.ts";
import { tell } from "../../user_callback.ts";
import type { ServerContext, ServiceConnection } from "../context.ts";
import { serverCodec } from "../envelope/codec.ts";
import {
  responseMessages,
  type ServiceRequest,
  ServiceResponse,
  TOO_MUCH,
} from "../envelope/messages.ts";
import type { Implementation } from "../handlers.ts";
import { checkInterceptors, type ServerInterceptor } from "../interceptor.ts";
import { checkMetadataLimits, type MetadataOptions } from "../metadata_options.ts";
import { checkImplementations } from "../schema/checks.ts";
import { once, ServedCall } from "./_served_call.ts";
import { ServedCalls } from "./_served_calls.ts";
import { MESSAGES } from "./messages.ts";
import { MethodTable, type ServedMethod } from "./method_table.ts";
import { DuplexPeer, ServedConnection } from "./peer.ts";

/** What a server serves, and how. */
export interface ServicesOptions extends Omit<RpcServerOptions, "onError">, MetadataOptions {
  /** The services, each with its handlers. */
  readonly services: readonly Implementation[];
  /** Stand between the connections and the handlers; the first is the outermost. */
  readonly interceptors?: readonly ServerInterceptor[];
  /**
   * Called with what a handler or an interceptor threw, if it is not a `ServiceError`, and the call
   * that it is about. The caller only learns that there was an `internal` error. Also called for
   * what is thrown when the call is over already, unless it is an `AbortError` or the signal's
   * reason, and for a response that is not valid, could not be encoded, or is longer than
   * `maxOutboundLength`. Without a call, for what nobody knows the call of. What it throws, or
   * rejects with, is ignored.
   *
   * @default {console.error}
   */
  readonly onError?: (error: unknown, context: ServerContext | undefined) => void;
}

/** Options of {@linkcode serviceConnector}: also those of each connection. */
export interface ServiceServerOptions extends ServicesOptions, ConnectionOptions {
  /**
   * Called for each connection before its first call; it may keep `values` for the handlers. If it
   * throws or rejects, the connection is refused; also if it returns `false`, which is a mistake.
   */
  readonly onConnection?: (connection: ServiceConnection) => void | Promise<void>;
  /**
   * Keeps idle connections alive: every so many milliseconds without anything sent. From 1 to
   * 2,147,483,647.
   */
  readonly heartbeat?: number;
  /** Observes the connections, for metrics and logs. */
  readonly observer?: ConnectionObserver;
  /** Observes the RPCs, for traces and metrics. */
  readonly rpcObserver?: RpcObserver<ServiceRequest>;
}

/** Options of {@linkcode serveServices}. */
export interface ServeServicesOptions extends ServiceServerOptions, ServeOptions {}

/** Configures a connection that serves services, for `serve` or a `Connection`. */
export type ServiceConnector = (
  duplex: SocketDuplex,
) => Promise<ConnectionConfig<ServiceRequest, ServiceResponse>>;

/**
 * Serves services on each connection that the listener accepts, until it is closed. Throws a
 * `RangeError` for an option out of range, and a `TypeError` for one that is wrong in another way,
 * or if two services have one name.
 *
 * @example
 * ```ts
 * import { connect, listen } from "@protosocket/protosocket/node"; // or /deno, /bun
 * import { createClient, defineService, implement } from "@protosocket/protosocket/services";
 * import { serveServices, serviceClient } from "@protosocket/protosocket/services";
 * import { z } from "zod"; // or valibot, arktype …
 *
 * const Greeter = defineService("example.Greeter", {
 *   hello: { request: z.string(), response: z.string() },
 * });
 *
 * await using server = serveServices(await listen({ port: 0 }), {
 *   services: [implement(Greeter, { hello: (name) => `hello, ${name}` })],
 * });
 *
 * await using client = serviceClient(await connect(server.address));
 * console.log(await createClient(Greeter, client).hello("world")); // hello, world
 * ```
 */
export function serveServices(listener: Listener, options: ServeServicesOptions): Server {
  // First, as arguments that are swapped would be said to be options without services.
  checkListener(listener);
  return serve(listener, serviceConnector(options), options);
}

/**
 * Configures connections that serve services, as {@linkcode serveServices} does for each of a
 * listener: pass it to `serve` for each of several listeners. Throws as {@linkcode serveServices}.
 *
 * @example Two listeners
 * ```ts
 * import { serve } from "@protosocket/protosocket";
 * import { listen } from "@protosocket/protosocket/node"; // or /deno, /bun
 * import { serviceConnector } from "@protosocket/protosocket/services";
 *
 * const connector = serviceConnector({ services: [] });
 * await using one = serve(await listen({ port: 0 }), connector);
 * await using other = serve(await listen({ port: 0 }), connector);
 * console.log(one.connections.size + other.connections.size); // 0
 * ```
 */
export function serviceConnector(options: ServiceServerOptions): ServiceConnector {
  const configure = configurator(options);
  const { onConnection } = options;
  return async (duplex) => {
    const connection = new ServedConnection(new DuplexPeer(duplex));
    const returned: unknown = await onConnection?.(connection);
    // Who returns it means to refuse: nobody may be let in by that.
    if (returned === false) throw wrong("onConnection has returned false: it refuses by throwing");
    return configure(duplex, connection);
  };
}

/** The same without waiting, and so without `onConnection`. */
export function serviceConnectorNow(
  options: ServiceServerOptions,
): (duplex: SocketDuplex) => ConnectionConfig<ServiceRequest, ServiceResponse> {
  const configure = configurator(options);
  return (duplex) => configure(duplex, new ServedConnection(new DuplexPeer(duplex)));
}

function configurator(
  options: ServiceServerOptions,
): (
  duplex: SocketDuplex,
  connection: ServedConnection,
) => ConnectionConfig<ServiceRequest, ServiceResponse> {
  requireOptions("options", "services", options);
  // Otherwise each connection would be refused, one by one.
  checkConnectionOptions(options);
  checkCallback("onConnection", options.onConnection);
  const services = new Services(options);
  const { heartbeat, observer, rpcObserver, maxConcurrentRpcs, maxBufferedBytes } = options;
  checkOptions("observer", observer);
  if (heartbeat !== undefined) delay("heartbeat", heartbeat, 1);
  const settings = {
    ...(rpcObserver !== undefined && { rpcObserver }),
    ...(maxConcurrentRpcs !== undefined && { maxConcurrentRpcs }),
    ...(maxBufferedBytes !== undefined && { maxBufferedBytes }),
    onError: services.onRpcError,
  };
  const beat: Heartbeat<ServiceResponse> | undefined = heartbeat === undefined ? undefined : {
    interval: heartbeat,
    message: () => responseMessages.ended(0),
  };
  // Checks its options.
  rpcReactor(MESSAGES, () => new ServiceResponse(), settings);
  return (duplex, connection) => {
    const { remoteAddress } = duplex;
    const reactor = rpcReactor(MESSAGES, services.handler(connection), {
      ...settings,
      ...(remoteAddress && { remoteAddress }),
    });
    return {
      ...options,
      heartbeat: beat,
      observer,
      codec: services.codec(),
      reactor(sender, control) {
        connection.control = control;
        return reactor(sender);
      },
    };
  };
}

/** The services of a server. */
export class Services {
  readonly #limits: ReturnType<typeof checkMetadataLimits>;
  readonly #methods: MethodTable;
  readonly #onError: (error: unknown, context: ServerContext | undefined) => void;

  constructor(options: ServicesOptions) {
    const { services, interceptors = [] } = options;
    checkImplementations(services);
    checkInterceptors(interceptors);
    checkCallback("onError", options.onError);
    this.#limits = checkMetadataLimits(options);
    this.#methods = new MethodTable(services, interceptors);
    this.#onError = options.onError ?? logFailed();
  }

  /** Tells of a response that could not be sent. */
  readonly onRpcError = (error: unknown, { response }: FailedRpc): void => {
    const call = response instanceof ServiceResponse ? response.call : undefined;
    if (call !== undefined) call.onUnsent(error);
    else tell(this.#onError, error, undefined);
  };

  /** Makes the codec of one connection. */
  codec(): ConnectionConfig<ServiceRequest, ServiceResponse>["codec"] {
    return serverCodec(this.#limits, (bytes, start, end) => this.#methods.find(bytes, start, end));
  }

  /** Makes the handler of one connection. */
  handler(
    connection: ServiceConnection,
  ): (
    request: ServiceRequest,
    rpc: RpcContext<ServiceRequest>,
  ) => RpcAnswer<ServiceResponse> {
    const onError = (error: unknown, context: ServerContext) => tell(this.#onError, error, context);
    const calls = new ServedCalls(connection, onError);
    return (request, rpc) => {
      const method = request.method as ServedMethod | undefined;
      if (method?.handler === undefined) {
        const path = method?.path ?? request.path;
        return refusal(rpc, method, 12, this.#methods.missing(path, method));
      }
      if (request.encoding !== method.encoding) {
        return refusal(rpc, method, 12, `${method.path} does not speak this encoding`);
      }
      if (request.stream !== method.takesStream) {
        const takes = method.takesStream ? "takes a stream of requests" : "takes one request";
        return refusal(rpc, method, 12, `${method.path} ${takes}`);
      }
      if (request.metadata === TOO_MUCH) {
        return refusal(rpc, method, 8, "The request has too much metadata");
      }
      // An RPC of this package is one.
      const cancellable = rpc as CancellableRpc<ServiceRequest>;
      return new ServedCall(method, request, cancellable, calls).answer();
    };
  }
}

/**
 * An answer that no handler has given. If nobody knows whether the client expects a stream, it is
 * one: who expects one response ignores the end.
 */
function refusal(
  rpc: RpcContext,
  method: ServedMethod | undefined,
  code: number,
  message: string,
): RpcAnswer<ServiceResponse> {
  const response = new ServiceResponse();
  response.status = { code, message, details: [] };
  return rpc.expectsStream ?? method?.givesStream ?? true ? once(response) : response;
}

function logFailed(): (error: unknown, context: ServerContext | undefined) => void {
  const log = errorLog("call");
  return (error, context) =>
    log(error, { method: context?.method.path, remoteAddress: context?.peer.address });
}
