import { TransportError } from "../errors.ts";
import type { TlsConnectOptions, TlsListenOptions } from "./_tls_options.ts";

export type { TlsConnectOptions, TlsListenOptions } from "./_tls_options.ts";

/** Where to connect to, and how. */
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
   * Lets the operating system probe a silent peer (SO_KEEPALIVE).
   *
   * @default {false}
   */
  readonly keepAlive?: boolean;
  /**
   * Speaks TLS, 1.3 or at least 1.2; not for Unix sockets. `true` is for a server that
   * the public roots vouch for under the hostname, and stands for `{}`.
   *
   * @default {false} plain text
   */
  readonly tls?: boolean | TlsConnectOptions;
  /** Gives up connecting: a {@linkcode TransportError} of code `aborted`. Means nothing afterwards. */
  readonly signal?: AbortSignal;
}

/** Where to listen, and how. */
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
   * connection.
   *
   * @default {false}
   */
  readonly keepAlive?: boolean;
  /**
   * How many connections the system holds that have not been accepted: 1 to 65535.
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
   * Speaks TLS, 1.3 or at least 1.2; not for Unix sockets. A connection is accepted when
   * its handshake is done. Handshakes run side by side, and one that fails harms no other.
   *
   * @default {undefined} plain text
   */
  readonly tls?: TlsListenOptions;
}

/** A place to connect to or to listen on, checked. */
export type Place =
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** What Linux takes. Node 20 cuts a longer path off, and another file appears. */
const MAX_PATH_BYTES = 107;

/** Checks where `options` point to. Throws a TransportError of code `invalid-option`. */
export function placeOf(options: ConnectOptions | ListenOptions, minPort: 0 | 1): Place {
  const { hostname = "127.0.0.1", port, path } = options;
  if ((port === undefined) === (path === undefined)) {
    throw invalid("Either a port or the path of a Unix socket must be given, and not both");
  }
  if (path !== undefined) {
    const { length } = new TextEncoder().encode(path);
    if (length < 1 || length > MAX_PATH_BYTES || path.includes("\0")) {
      throw invalid(
        `The path of a Unix socket must have from 1 to ${MAX_PATH_BYTES} bytes, none of them 0: ${path}`,
      );
    }
    return { kind: "unix", path };
  }
  if (!Number.isInteger(port) || port! < minPort || port! > 65535) {
    throw invalid(`port must be an integer from ${minPort} to 65535, not ${port}`);
  }
  if (hostname === "") throw invalid("hostname must not be empty");
  return { kind: "tcp", hostname, port: port! };
}

/** Whether a connection is not to be plain text; whatever else `tls` may be is for TLS to check. */
export function asksForTls({ tls }: ConnectOptions | ListenOptions): boolean {
  return tls !== undefined && tls !== false;
}

/** Checks the options of a listener that have ranges. */
export function checkListenOptions(options: ListenOptions): void {
  const { backlog, path, reusePort } = options;
  if (path !== undefined && reusePort) throw invalid("reusePort is for TCP, not for Unix sockets");
  if (backlog !== undefined && !(Number.isInteger(backlog) && backlog >= 1 && backlog <= 65535)) {
    throw invalid(`backlog must be an integer from 1 to 65535, not ${backlog}`);
  }
}

/** Says that an option has a value that makes no sense. */
export function invalid(message: string, cause?: unknown): TransportError {
  return new TransportError("invalid-option", message, { cause });
}

/** Says that this runtime cannot honour an option. */
export function unsupported(option: string, why: string): TransportError {
  return new TransportError("unsupported", `The option ${option} is not supported here: ${why}`);
}

/** What a caller's signal, fired while connecting, becomes. */
export function connectAborted(signal: AbortSignal): TransportError {
  return new TransportError("aborted", "Connecting was aborted", { cause: signal.reason });
}

/** A place in words, for messages. */
export function describe(place: Place): string {
  return place.kind === "unix" ? place.path : `${place.hostname}:${place.port}`;
}
