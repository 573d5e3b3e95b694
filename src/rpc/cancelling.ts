// What services need of a server's RPCs besides their public names.
import type { RpcError } from "./errors.ts";
import type { RpcContext } from "./server/handler.ts";

/** Is told that an RPC need not be answered any more. */
export interface Cancelled {
  /** Its handler's signal would fire with that reason. */
  onCancelled(reason: RpcError): void;
}

/**
 * An RPC that tells somebody of its end besides its signal: a controller and a listener cost more
 * than all else of an RPC.
 */
export interface CancellableRpc<Request> extends RpcContext<Request> {
  /** Who is told; one at most. */
  watcher: Cancelled | undefined;
  /** Why it need not be answered any more, if that is so. */
  readonly reason: RpcError | undefined;
  /** What still runs of it when it has been answered; it counts until then. It must not reject. */
  running: Promise<unknown> | undefined;
}
