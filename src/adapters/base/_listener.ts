import type { SocketAddress, SocketDuplex } from "../../duplex/duplex.ts";
import type { Listener } from "../../duplex/listener.ts";

/** Where somebody else's server listens, who did not say. */
const UNKNOWN: SocketAddress = { transport: "tcp", hostname: "", port: 0 };

/** Makes a listener of the connections that it iterates over; `stop` is called once, and awaited. */
export function listenerOf(
  address: SocketAddress | undefined,
  accepted: AsyncIterable<SocketDuplex>,
  stop: () => void | Promise<void>,
): Listener {
  let closing: Promise<void> | undefined;
  const close = () => closing ??= new Promise((resolve) => resolve(stop()));
  return {
    address: address ?? UNKNOWN,
    close,
    [Symbol.asyncIterator]: () => accepted[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: close,
  };
}
