import { checkBoolean, checkSignal, integer, requireOptions, shown, wrong } from "../../check.ts";
import { TransportError } from "../../errors.ts";
import type { KeepAliveOptions } from "./_keep_alive.ts";
import type { ProxyProtocolOptions } from "./_proxy_options.ts";
import type { TlsConnectOptions, TlsListenOptions } from "./_tls_options.ts";

export type { KeepAliveOptions } from "./_keep_alive.ts";
export type { ProxyProtocolOptions } from "./_proxy_options.ts";
export type { TlsConnectOptions, TlsListenOptions } from "./_tls_options.ts";

/** Options of `connect`. Either `port` or `path` is required. */
export interface ConnectOptions {
  /**
   * A host name or a numeric address.
   *
   * @default {"127.0.0.1"}
   */
  readonly hostname?: string;
  /** The port, 1 to 65535. Either this or `path`. */
  readonly port?: number;
  /** The path of a Unix socket, of at most 107 bytes. Either this or `port`. */
  readonly path?: string;
  /**
   * Sends small writes at once (TCP_NODELAY).
   *
   * @default {true}
   */
  readonly noDelay?: boolean;
  /**
   * Lets the operating system probe a silent peer (SO_KEEPALIVE); an object says how.
   *
   * @default {false}
   */
  readonly keepAlive?: boolean | KeepAliveOptions;
  /**
   * Uses TLS 1.2 or later; not for Unix sockets. `true` is the same as `{}`: the server's
   * certificate must be signed by a public root and be for the hostname.
   *
   * @default {false} plain text
   */
  readonly tls?: boolean | TlsConnectOptions;
  /** Aborts connecting, with a {@linkcode TransportError} of code `aborted`. No effect afterwards. */
  readonly signal?: AbortSignal;
}

/** Options of `listen`. Either `port` or `path` is required. */
export interface ListenOptions {
  /**
   * The address to listen on; `0.0.0.0` or `::` for all.
   *
   * @default {"127.0.0.1"}
   */
  readonly hostname?: string;
  /** The port, 0 to 65535; with 0 the system chooses one. Either this or `path`. */
  readonly port?: number;
  /**
   * The path of a Unix socket, of at most 107 bytes. Either this or `port`. The file
   * must not exist yet; it is removed when the listener closes.
   */
  readonly path?: string;
  /**
   * Sends small writes at once (TCP_NODELAY), on each accepted connection.
   *
   * @default {true}
   */
  readonly noDelay?: boolean;
  /**
   * Lets the operating system probe a silent peer (SO_KEEPALIVE), on each accepted
   * connection; an object says how.
   *
   * @default {false}
   */
  readonly keepAlive?: boolean | KeepAliveOptions;
  /**
   * How many connections the system queues that have not been accepted: 1 to 65535.
   *
   * @default {undefined} the system's
   */
  readonly backlog?: number;
  /**
   * Lets several listeners share the port (SO_REUSEPORT). Not for Unix sockets.
   *
   * @default {false}
   */
  readonly reusePort?: boolean;
  /**
   * Uses TLS 1.2 or later; not for Unix sockets. A connection is accepted once its handshake
   * is done. Handshakes run concurrently, and one that fails does not affect others.
   *
   * @default {undefined} plain text
   */
  readonly tls?: TlsListenOptions;
  /**
   * Each connection must begin with a PROXY protocol header, of version 1 or 2, before TLS.
   * `remoteAddress` is then the client's address, and `proxy` what else the proxy said. A
   * connection is accepted once its header is there; one without ends alone. On all runtimes,
   * such a listener is one of `node:net`.
   *
   * @default {undefined} connections begin with the client's bytes
   */
  readonly proxyProtocol?: ProxyProtocolOptions;
}

/** An address to connect to or to listen on, checked. */
export type SocketPlace =
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Linux's limit. Node 20 truncates a longer path, which creates a different file. */
const MAX_PATH_BYTES = 107;

/** Checks and returns the address in `options`. Throws a `RangeError` or a `TypeError`. */
export function placeOf(options: ConnectOptions | ListenOptions, minPort: 0 | 1): SocketPlace {
  const { hostname = "127.0.0.1", port, path, noDelay } = options;
  if ("signal" in options) checkSignal(options.signal);
  checkBoolean("noDelay", noDelay);
  if ((port === undefined) === (path === undefined)) {
    throw wrong("Either a port or the path of a Unix socket must be given, and not both");
  }
  if (path !== undefined) {
    const { length } = new TextEncoder().encode(path);
    if (length < 1 || length > MAX_PATH_BYTES || path.includes("\0")) {
      throw wrong(
        `The path of a Unix socket must have from 1 to ${MAX_PATH_BYTES} bytes, none of them 0: ${path}`,
      );
    }
    return { kind: "unix", path };
  }
  integer("port", port, minPort, 65535);
  checkHostname(options);
  return { kind: "tcp", hostname, port: port! };
}

/** Checks the host name, which may be left out. */
export function checkHostname(options: { readonly hostname?: unknown }): void {
  const { hostname } = options;
  // As node:net calls it: it would be left out, which means this machine.
  if (hostname === undefined && "host" in options) {
    throw wrong("The option is called hostname, not host");
  }
  if (hostname !== undefined && (typeof hostname !== "string" || hostname === "")) {
    throw wrong(`hostname must be a string that is not empty, not ${shown(hostname)}`);
  }
}

/** Whether TLS is requested; the value of `tls` is checked elsewhere. */
export function asksForTls(options: ConnectOptions | ListenOptions): boolean {
  requireOptions("options", "a port or a path", options);
  const { tls } = options;
  return tls !== undefined && tls !== false;
}

/** Checks the other options of a listener. */
export function checkListenOptions(options: ListenOptions): void {
  const { backlog, path, reusePort } = options;
  if (path !== undefined && reusePort) throw wrong("reusePort is for TCP, not for Unix sockets");
  if (backlog !== undefined) integer("backlog", backlog, 1, 65535);
}

/** Makes the error for an option that this runtime cannot honour. */
export function unsupported(option: string, why: string): TransportError {
  return new TransportError("unsupported", `The option ${option} is not supported here: ${why}`);
}

/** Refuses a certificate for a listener that has no use for one. */
export function noCertificate(): never {
  throw wrong("The listener has no TLS: it was made without the option tls");
}

/** Makes the error for a signal that fired while connecting. */
export function connectAborted(signal: AbortSignal): TransportError {
  return new TransportError("aborted", "Connecting was aborted", { cause: signal.reason });
}

/** Describes an address, for messages. */
export function describe(place: SocketPlace): string {
  return place.kind === "unix" ? place.path : `${place.hostname}:${place.port}`;
}
