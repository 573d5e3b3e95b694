// What the row uses of capnweb, which is installed when it is run.
import type { WebSocket } from "ws";

export interface Echo {
  readonly message: string;
  readonly nanotime: number;
}

/** A stub of the other end. */
export interface Stub {
  echo(echo: Echo): PromiseLike<Echo>;
}

interface Library {
  readonly RpcTarget: new () => object;
  newWebSocketRpcSession(socket: WebSocket, local?: object): Stub;
}

// No literal: it is not there when types are checked.
export const capnweb: Library = await import("capnweb" as string);
