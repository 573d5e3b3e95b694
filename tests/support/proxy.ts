import type { SocketDuplex } from "@protosocket/protosocket";
import { sockets } from "../../examples/support/sockets.ts";
import { type Faults, type Relay, relay } from "./relay.ts";

/** A TCP proxy that does harm. Disposing of it breaks what it carries. */
export interface Proxy extends AsyncDisposable {
  /** Where it listens. */
  readonly port: number;
  /** Connects to it, and so to what is behind it; `faults` befall that connection. */
  dial(faults?: { there?: Faults; back?: Faults }): Promise<SocketDuplex>;
  /** How many connections it carries now. */
  readonly size: number;
  /** Waits until it carries none. */
  idle(): Promise<void>;
}

/** Makes a {@linkcode Proxy} before a port of this machine. */
export async function proxy(to: number): Promise<Proxy> {
  const { connect, listen } = await sockets();
  const hostname = "127.0.0.1";
  const listener = await listen({ hostname, port: 0 });
  const { address } = listener;
  if (address.transport !== "tcp") throw new Error("A TCP listener has a port");
  const { port } = address;
  const relays = new Set<Relay>();
  const accepted = listener[Symbol.asyncIterator]();
  let before: Promise<unknown> = Promise.resolve();

  /** One at a time, so that each is joined with the one that was accepted for it. */
  async function open(faults: { there?: Faults; back?: Faults }): Promise<SocketDuplex> {
    const [near, next] = await Promise.all([connect({ hostname, port }), accepted.next()]);
    if (next.done) throw new Error("The proxy is closed");
    const joined = relay(next.value, await connect({ hostname, port: to }), faults);
    relays.add(joined);
    joined.done.then(() => relays.delete(joined));
    return near;
  }

  return {
    port,
    get size() {
      return relays.size;
    },
    dial(faults = {}) {
      const opened = before.then(() => open(faults));
      before = opened.catch(() => {});
      return opened;
    },
    async idle() {
      await Promise.all([...relays].map(({ done }) => done));
    },
    async [Symbol.asyncDispose]() {
      for (const { reset } of relays) reset();
      await listener.close();
    },
  };
}
