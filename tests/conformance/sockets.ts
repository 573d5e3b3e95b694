import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Listener, SocketDuplex } from "../../mod.ts";
import type { ConnectOptions, ListenOptions } from "../../src/adapters/base/_options.ts";
import { soon } from "../support/within.ts";
import type { Adapter, Gaps } from "./adapter.ts";

/** The two kinds of socket. */
export type Kind = "tcp" | "unix";

/** What a runtime cannot do with a kind of socket, by name, with the reason. */
export interface SocketGaps extends Gaps {
  /** The option `backlog` is refused. */
  readonly backlog?: string;
  /** The option `reusePort` is refused. */
  readonly reusePort?: string;
  /** There is no such kind of socket. */
  readonly missing?: string;
  /** A connection that is reset as soon as it is made may never be accepted. */
  readonly early?: string;
  /** A listener on a host that is unknown, or not this one, fails with the code `other`. */
  readonly listenHost?: string;
}

/** An adapter with sockets, for the second part of the suite. */
export interface SocketAdapter {
  readonly name: string;
  readonly gaps: Readonly<Record<Kind, SocketGaps>>;
  connect(options: ConnectOptions): Promise<SocketDuplex>;
  listen(options: ListenOptions): Promise<Listener>;
}

/** An address that nothing listens on yet. */
export interface Spot extends Disposable {
  readonly options: { readonly port: number } | { readonly path: string };
}

/** Makes a {@linkcode Spot}; disposing of it removes what it took in the file system. */
export function spot(kind: Kind): Spot {
  if (kind === "tcp") return { options: { port: 0 }, [Symbol.dispose]() {} };
  const { path, ...rest } = directory();
  return { options: { path: join(path, "socket") }, ...rest };
}

/** Makes an empty directory of one's own. */
export function directory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "protosocket-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Where to connect to, to get to a listener. */
export function toReach({ address }: Listener): { port: number } | { path: string } {
  return address.transport === "tcp" ? { port: address.port } : { path: address.path };
}

/** Takes the next connection. */
export async function accept(listener: Listener): Promise<SocketDuplex> {
  const next = await soon(listener[Symbol.asyncIterator]().next(), "a connection to accept");
  if (next.done) throw new Error("The listener was closed");
  return next.value;
}

/** Connects and accepts. */
export async function dial(
  adapter: SocketAdapter,
  listener: Listener,
  options: Omit<ConnectOptions, "port" | "path"> = {},
): Promise<{ client: SocketDuplex; server: SocketDuplex }> {
  const connecting = adapter.connect({ ...toReach(listener), ...options });
  const [client, server] = await Promise.all([
    soon(connecting, "a connection"),
    accept(listener),
  ]);
  return { client, server };
}

/** A socket adapter as a transport for the first part of the suite. */
export function pairsOf(adapter: SocketAdapter, kind: Kind): Adapter {
  return {
    name: `${adapter.name}, ${kind}`,
    gaps: adapter.gaps[kind],
    async open(options) {
      const at = spot(kind);
      const listener = await adapter.listen({ ...at.options, ...options });
      const { client, server } = await dial(adapter, listener, options);
      return {
        client,
        server,
        async close() {
          await listener.close();
          at[Symbol.dispose]();
        },
      };
    },
  };
}
