import type { SocketAddress } from "../../mod.ts";
import type { RpcId } from "./message.ts";

/** An rpc that an {@linkcode RpcObserver} is told of. */
export interface ObservedRpc<Request> {
  /** Its id on its connection. */
  readonly id: RpcId;
  /** What is asked. */
  readonly request: Request;
  /** At a server: the client's address, where it is known. */
  readonly remoteAddress?: SocketAddress;
}

/**
 * Hears how an rpc ended, once: with `undefined` if it was answered in full, else with
 * the error that its caller got or its handler threw.
 */
export type OnRpcEnd = (error: unknown) => void;

/**
 * Watches the rpcs of a client or of a server, for traces and metrics. Without one,
 * nothing is done for it. What an observer throws is ignored.
 */
export interface RpcObserver<Request> {
  /** An rpc begins; what is returned hears how it ends. */
  onRpc(rpc: ObservedRpc<Request>): OnRpcEnd | void;
}

const nobody: OnRpcEnd = () => {};

/** Tells an observer of an rpc; its own failures harm nobody. */
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
        // Watching must not change what is watched.
      }
    };
  } catch {
    return nobody;
  }
}
