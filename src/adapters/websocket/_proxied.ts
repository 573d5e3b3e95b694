import type { Listener } from "../../duplex/listener.ts";
import { TransportError } from "../../errors.ts";
import type { WebSocketListenOptions } from "./_listen.ts";

/**
 * Listens behind a proxy, where the runtime's own server cannot: it takes what comes first for
 * HTTP. Loaded only then, since it needs `ws`, which Bun has built in.
 */
export async function listenBehindProxy(options: WebSocketListenOptions): Promise<Listener> {
  let listen: (options: WebSocketListenOptions) => Promise<Listener>;
  try {
    ({ listen } = await import("../websocket_node.ts"));
  } catch (cause) {
    const message = "proxyProtocol for WebSockets needs the package ws, which cannot be loaded";
    throw new TransportError("unsupported", message, { cause });
  }
  return await listen(options);
}
