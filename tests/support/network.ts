import { assert } from "@std/assert";
import type { ConnectionOptions, Listener, SocketDuplex } from "@protosocket/protosocket";
import { sockets } from "../../examples/support/sockets.ts";
import { converse, DRAIN, type Heard } from "./conversation.ts";
import { proxy } from "./proxy.ts";
import type { Faults } from "./relay.ts";
import { soon } from "./within.ts";

/** A TCP server, and a proxy before it. Disposing of it breaks what the proxy carries. */
export interface Network extends AsyncDisposable {
  /** One conversation through the proxy, which `faults` befall. */
  over(
    faults?: { there?: Faults; back?: Faults },
    options?: ConnectionOptions,
    watch?: (object: object) => void,
  ): Promise<Heard>;
  /** Waits until the proxy carries nothing any more. */
  idle(): Promise<void>;
}

/** Makes a {@linkcode Network}. */
export async function network(): Promise<Network> {
  const { listen } = await sockets();
  const listener: Listener = await listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener[Symbol.asyncIterator]();
  const { address } = listener;
  assert(address.transport === "tcp");
  const between = await proxy(address.port);
  let before: Promise<unknown> = Promise.resolve();
  const open = async (faults: { there?: Faults; back?: Faults }) => {
    const [near, far] = await Promise.all([between.dial(faults), accepted.next()]);
    return [near, far.value] as [SocketDuplex, SocketDuplex];
  };
  return {
    async over(faults = {}, options = DRAIN, watch = undefined) {
      const opened = before.then(() => soon(open(faults), "a connection"));
      before = opened.catch(() => {});
      return converse(...await opened, options, watch);
    },
    idle: () => soon(between.idle(), "the proxy to be idle"),
    async [Symbol.asyncDispose]() {
      await between[Symbol.asyncDispose]();
      await listener.close();
    },
  };
}
