import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Listener, SocketDuplex } from "../../mod.ts";
import type { ConnectOptions, ListenOptions } from "../../src/adapters/_options.ts";
import { within } from "../support/within.ts";
import type { Adapter, Gaps } from "./adapter.ts";

/** The two kinds of socket. */
export type Kind = "tcp" | "unix";
export const KINDS: readonly Kind[] = ["tcp", "unix"];

/** What a runtime cannot do with a listener. Each is named, and says why. */
export interface SocketGaps {
  readonly reset?: Partial<Record<Kind, string>>;
  readonly backlog?: Partial<Record<Kind, string>>;
  readonly reusePort?: string;
}

/** The part of an adapter that all of them have. */
export interface SocketModule {
  connect(options: ConnectOptions): Promise<SocketDuplex>;
  listen(options: ListenOptions): Promise<Listener>;
}

/** An adapter with sockets, for the second part of the suite. */
export interface SocketAdapter extends SocketModule {
  readonly name: string;
  readonly gaps: SocketGaps;
}

/** A place that nobody listens at yet. */
export interface Spot {
  readonly options: { readonly port: number } | { readonly path: string };
  /** Removes what it took in the file system. */
  clear(): void;
}

/** Makes a {@linkcode Spot}. */
export function spot(kind: Kind): Spot {
  if (kind === "tcp") return { options: { port: 0 }, clear: () => {} };
  const directory = mkdtempSync(join(tmpdir(), "protosocket-"));
  return {
    options: { path: join(directory, "socket") },
    clear: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Where to connect to, to get to a listener. */
export function toReach({ address }: Listener): { port: number } | { path: string } {
  return address.transport === "tcp" ? { port: address.port } : { path: address.path };
}

/** Takes the next connection. */
export async function accept(listener: Listener): Promise<SocketDuplex> {
  const next = await within(listener[Symbol.asyncIterator]().next(), "a connection to accept");
  if (next.done) throw new Error("The listener was closed");
  return next.value;
}

/** Connects and accepts. */
export async function dial(
  adapter: SocketModule,
  listener: Listener,
  options: Omit<ConnectOptions, "port" | "path"> = {},
): Promise<{ client: SocketDuplex; server: SocketDuplex }> {
  const connecting = adapter.connect({ ...toReach(listener), ...options });
  const [client, server] = await Promise.all([
    within(connecting, "a connection"),
    accept(listener),
  ]);
  return { client, server };
}

/** A socket adapter as a transport for the first part of the suite. */
export function pairsOf(adapter: SocketAdapter, kind: Kind): Adapter {
  const reset = adapter.gaps.reset?.[kind];
  const gaps: Gaps = reset === undefined ? {} : { reset };
  return {
    name: `${adapter.name}, ${kind}`,
    gaps,
    async open(options) {
      const at = spot(kind);
      const listener = await adapter.listen({ ...at.options, ...options });
      const { client, server } = await dial(adapter, listener, options);
      return {
        client,
        server,
        async close() {
          await listener.close();
          at.clear();
        },
      };
    },
  };
}
