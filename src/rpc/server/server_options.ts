import type { SocketAddress } from "../../../mod.ts";
import { checkCallback, integer } from "../../check.ts";
import { errorLog } from "../../error_log.ts";
import { DEFAULT_MAX_BUFFERED_BYTES } from "../_flow.ts";
import type { RpcId, RpcMessages } from "../message.ts";
import { checkRpcObserver, type RpcObserver } from "../observer.ts";

/** The default of {@linkcode RpcServerOptions.maxConcurrentRpcs}: 1,024. */
export const DEFAULT_MAX_CONCURRENT_RPCS = 1024;

/** Limits of the RPCs of one connection, and error reporting. */
export interface RpcServerOptions {
  /**
   * How many RPCs of one connection may be in progress: being handled, or with a response
   * that waits for room to send; a stream counts as one. At the limit, further requests wait,
   * and when there is more than 1 MiB of them, the connection stops reading until one
   * begins. If RPCs in progress wait for their client, to read a stream or to send more of one,
   * it reads on, up to 4 MiB. If all of them do, or none has made room for ten seconds, the client
   * may have to help, by a Cancel for example: of what is more the oldest is then refused, that is
   * such a call fails with `unavailable`, and was not begun. An RPC that was
   * cancelled, or whose deadline has passed, counts until its handler has returned. From 1 to 2^31.
   *
   * @default {1024}
   */
  readonly maxConcurrentRpcs?: number;
  /**
   * How many bytes of one stream of requests may wait to be read by its handler, each item
   * counting 64 more than its size on the wire, and at most this limit. The client sends no more
   * ahead of the handler, so a stream that is not read stops itself and no other RPC. From 1 to
   * 2^32.
   *
   * @default {1048576}
   */
  readonly maxBufferedBytes?: number;
  /**
   * Called with what a handler threw, which is an `Error` also if that was `undefined` or
   * `null`, with the error of a response that could not be encoded, or was longer than
   * `maxOutboundLength`, and when a handler answered with a stream where the client expects one
   * response, or the reverse. What it throws, or rejects with, is ignored.
   *
   * @default {console.error} at most once a second for each code or name of an error
   */
  readonly onError?: (error: unknown, rpc: FailedRpc) => void;
}

/** Options of {@linkcode rpcReactor}. */
export interface RpcReactorOptions<Request> extends RpcServerOptions {
  /** The client's address, for errors and observers. */
  readonly remoteAddress?: SocketAddress;
  /** Observes the RPCs, for traces and metrics. */
  readonly rpcObserver?: RpcObserver<NoInfer<Request>>;
}

/** The RPC that an error is about. */
export interface FailedRpc {
  /** The RPC's id on its connection. */
  readonly id: RpcId;
  /** The client's address, if it is known. */
  readonly remoteAddress?: SocketAddress;
  /** The response that could not be encoded, or was too long, if that is what went wrong. */
  readonly response?: unknown;
}

/** What all connections of a server have in common. */
export interface RpcSettings<Request, Response> extends Required<RpcServerOptions> {
  readonly messages: RpcMessages<Request, Response>;
  readonly rpcObserver: RpcObserver<Request> | undefined;
}

/** Checks the options and fills in their defaults. */
export function rpcSettings<Request, Response>(
  messages: RpcMessages<Request, Response>,
  options: RpcReactorOptions<Request>,
): RpcSettings<Request, Response> {
  const {
    maxConcurrentRpcs = DEFAULT_MAX_CONCURRENT_RPCS,
    maxBufferedBytes = DEFAULT_MAX_BUFFERED_BYTES,
    onError = errorLog("rpc"),
    rpcObserver,
  } = options;
  checkRpcObserver(rpcObserver);
  checkCallback("onError", onError);
  return {
    messages,
    maxConcurrentRpcs: integer("maxConcurrentRpcs", maxConcurrentRpcs, 1, 2 ** 31),
    maxBufferedBytes: integer("maxBufferedBytes", maxBufferedBytes, 1, 2 ** 32),
    onError,
    rpcObserver,
  };
}
