import type { SocketAddress } from "../../mod.ts";
import type { RpcId } from "./message.ts";

/** An RPC as an {@linkcode RpcObserver} sees it. */
export interface ObservedRpc<Request> {
  /** Its id on its connection. A pool's call has none: each attempt has its own. */
  readonly id?: RpcId;
  /** The request. */
  readonly request: Request;
  /** At a server: the client's address, if it is known. */
  readonly remoteAddress?: SocketAddress;
}

/**
 * Called once when an RPC ends: with `undefined` if it was answered completely, otherwise
 * with the error that its caller got or its handler threw.
 */
export type OnRpcEnd = (error: unknown) => void;

/**
 * Observes the RPCs of a client or of a server, for traces and metrics. What an observer
 * throws is ignored.
 */
export interface RpcObserver<Request> {
  /** An RPC begins. The function that it returns, if any, is called when the RPC ends. */
  onRpc(rpc: ObservedRpc<Request>): OnRpcEnd | void;
}

const nobody: OnRpcEnd = () => {};

/** Reports an RPC to an observer; whatever the observer throws is ignored. */
export function observe<Request>(
  observer: RpcObserver<Request>,
  rpc: ObservedRpc<Request>,
): OnRpcEnd {
  try {
    const onEnd = observer.onRpc(rpc) ?? nobody;
    return (error) => {
      try {
        onEnd(error);
      } catch {
        // Observing must not change what is observed.
      }
    };
  } catch {
    return nobody;
  }
}
