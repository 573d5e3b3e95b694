/**
 * TCP, TLS and Unix sockets on whichever runtime this runs, for libraries, examples and
 * programs that need not care: {@linkcode listen} and {@linkcode connect} load the adapter of
 * the runtime when they are first called. A program for one runtime imports that adapter
 * itself (`./deno`, `./bun`, `./node` or `./cloudflare`), which bundles less.
 *
 * @example
 * ```ts
 * import { Connection, serve } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { connect, listen } from "@protosocket/protosocket/sockets";
 *
 * await using server = serve(await listen({ port: 0 }), () => ({
 *   codec: lengthDelimited(),
 *   reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
 * }));
 * await using connection = new Connection(await connect(server.address), {
 *   codec: lengthDelimited(),
 *   reactor: () => ({
 *     onInboundMessage(message) {
 *       console.log(message);
 *       return "disconnect";
 *     },
 *   }),
 * });
 * await connection.sender.send(new Uint8Array([1, 2, 3]));
 * await connection.closed;
 * ```
 *
 * @module
 */
import type { SocketDuplex } from "../duplex/duplex.ts";
import type { Listener } from "../duplex/listener.ts";
import { TransportError } from "../errors.ts";
import { type ConnectOptions, type ListenOptions, placeOf, unsupported } from "./base/_options.ts";

export type {
  ConnectOptions,
  ListenOptions,
  TlsConnectOptions,
  TlsListenOptions,
} from "./base/_options.ts";

/** What the adapters of the servers' runtimes have in common. */
interface Sockets {
  connect(options: ConnectOptions): Promise<SocketDuplex>;
  listen(options: ListenOptions): Promise<Listener>;
}

/** What tells the runtimes apart. Bun and Deno have a `process`, too. */
interface Signs {
  readonly Deno?: unknown;
  readonly Bun?: unknown;
  readonly navigator?: { readonly userAgent?: string };
  readonly process?: { readonly versions?: { readonly node?: string } };
}

/**
 * Connects to a TCP address or a Unix socket, with TLS if `tls` is given. Rejects with a
 * {@linkcode TransportError}; with the code `unsupported` where there are no sockets, as in
 * browsers, and for what the runtime cannot do: a Worker of Cloudflare has no Unix sockets, and
 * of `tls` only `true`. There, the bundle needs the flag `nodejs_compat`, as it has the other
 * adapters too.
 */
export async function connect(options: ConnectOptions): Promise<SocketDuplex> {
  return isCloudflare() ? connectFromWorker(options) : (await adapter()).connect(options);
}

/**
 * Listens on a TCP address or a Unix socket. Rejects with a {@linkcode TransportError}; with the
 * code `unsupported` where nobody can listen, as in browsers and in Workers of Cloudflare.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  if (isCloudflare()) throw absent("A Worker of Cloudflare cannot listen");
  return (await adapter()).listen(options);
}

function adapter(): Promise<Sockets> {
  const { Deno, Bun, process } = globalThis as Signs;
  if (Deno !== undefined) return import("./deno.ts");
  if (Bun !== undefined) return import("./bun.ts");
  if (process?.versions?.node !== undefined) return import("./node.ts");
  throw absent("There are no sockets here; use WebSockets or a message port");
}

/** Workers may have a `process`, as they can be made compatible with Node. */
function isCloudflare(): boolean {
  return (globalThis as Signs).navigator?.userAgent === "Cloudflare-Workers";
}

async function connectFromWorker(options: ConnectOptions): Promise<SocketDuplex> {
  const place = placeOf(options, 1);
  if (place.kind === "unix") throw unsupported("path", "a Worker of Cloudflare has TCP only");
  const { tls = false, noDelay, keepAlive, signal } = options;
  if (typeof tls === "object") throw unsupported("tls", "a Worker of Cloudflare takes only true");
  // What the runtime has by itself, or does not have, is refused only when asked for.
  if (noDelay === false) throw unsupported("noDelay", "the runtime decides");
  if (keepAlive) throw unsupported("keepAlive", "the runtime decides");
  const { hostname, port } = place;
  const secureTransport = tls ? "on" : "off";
  return (await import("./cloudflare.ts")).connect({
    hostname,
    port,
    secureTransport,
    ...signal && { signal },
  });
}

function absent(message: string): TransportError {
  return new TransportError("unsupported", message);
}
