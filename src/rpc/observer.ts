import type { SocketAddress } from "../../mod.ts";
import { checkFunction } from "../check.ts";
import { tell } from "../user_callback.ts";
import type { RpcId } from "./message.ts";

/** An RPC as an {@linkcode RpcObserver} sees it. */
export interface ObservedRpc<Request> {
  /**
   * Its id on its connection; 0 if the connection was closed before the call, and for a call
   * of a pool, each of whose attempts has its own.
   */
  readonly id: RpcId;
  /** The request. */
  readonly request: Request;
  /** At a server: the client's address, if it is known. */
  readonly remoteAddress?: SocketAddress;
}

/**
 * Called once when an RPC ends: with `undefined` if it was answered completely, otherwise
 * with the error that its caller got or its handler threw, which is an `Error` also if they
 * gave `undefined` or `null` as a reason.
 */
export type OnRpcEnd = (error: unknown) => void;

/**
 * Observes the RPCs of a client or of a server, for traces and metrics. What an observer
 * throws, or rejects with, is ignored.
 */
export interface RpcObserver<Request> {
  /** An RPC begins. The function that it returns, if any, is called when the RPC ends. */
  onRpc(rpc: ObservedRpc<Request>): OnRpcEnd | void;
}

/** Checks an optional observer. */
export function checkRpcObserver(observer: Partial<RpcObserver<never>> | undefined): void {
  if (observer !== undefined) checkFunction("rpcObserver.onRpc", observer?.onRpc);
}

const nobody: OnRpcEnd = () => {};

/** Reports an RPC to an observer; whatever the observer throws, or rejects with, is ignored. */
export function observe<Request>(
  observer: RpcObserver<Request>,
  rpc: ObservedRpc<Request>,
): OnRpcEnd {
  let onEnd: OnRpcEnd = nobody;
  tell(() => {
    const result: unknown = observer.onRpc(rpc);
    if (typeof result === "function") onEnd = result as OnRpcEnd;
    return result;
  });
  return onEnd === nobody ? nobody : (error) => tell(onEnd, error);
}

/** What an observer is told of a failure with that reason: `undefined` would mean success. */
export function failureOf(reason: unknown): unknown {
  return reason ?? new Error(`The rpc failed with ${reason}`);
}
