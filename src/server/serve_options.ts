import type { ConnectionConfig } from "../connection/connection_config.ts";
import type { SocketDuplex } from "../duplex/duplex.ts";
import type { ConnectionError, TransportError } from "../errors.ts";
import type { ServedConnection } from "./served_connection.ts";

/** The default of {@linkcode ServeOptions.maxConnections}: 10,000. */
export const DEFAULT_MAX_CONNECTIONS = 10_000;
/** The default of {@linkcode ServeOptions.maxConnectionsPerAddress}: 1,000. */
export const DEFAULT_MAX_CONNECTIONS_PER_ADDRESS = 1000;

/**
 * Configures each accepted connection: its codec, its reactor and its limits. If it throws
 * or rejects, that connection alone is aborted, and `onConnectError` is called.
 */
export type Connector<Inbound, Outbound = Inbound, Logical = Outbound> = (
  duplex: SocketDuplex,
) =>
  | ConnectionConfig<Inbound, Outbound, Logical>
  | Promise<ConnectionConfig<Inbound, Outbound, Logical>>;

/** Options of {@linkcode serve}. */
export interface ServeOptions {
  /**
   * How many connections may be open at once. Further ones are aborted as soon as they are
   * accepted, before the connector is called, and are reported to `onConnectError`. Each
   * connection takes a file descriptor: see `ulimit -n`. From 1 to 2,147,483,647.
   *
   * @default {10000}
   */
  readonly maxConnections?: number;
  /**
   * How many of them may come from one address; further ones are aborted in the same way.
   * An IPv6 /64 counts as one address; Unix sockets have none and are not limited. From 1 to
   * 2,147,483,647.
   *
   * The default is for public addresses only: those of this machine and of private networks
   * are not limited, as they are of proxies rather than of strangers. A number that is given
   * is for all addresses but `trustedProxies`.
   *
   * @default {1000} for public addresses
   */
  readonly maxConnectionsPerAddress?: number;
  /**
   * Networks such as `203.0.113.0/24` whose addresses are not limited by
   * `maxConnectionsPerAddress`: those of proxies that hide their clients' addresses. If such a
   * proxy speaks the PROXY protocol, use `proxyProtocol` of `listen()` instead.
   *
   * @default {[]}
   */
  readonly trustedProxies?: readonly string[];
  /**
   * How old a connection may become, in milliseconds, give or take a tenth, so that not all
   * clients come back at once. It is then drained: clients are told to go elsewhere, and what
   * is in progress may finish. So machines that are new get their share of the clients. From 1
   * to 2,147,483,647, or 0 for no limit.
   *
   * @default {0}
   */
  readonly maxConnectionAge?: number;
  /**
   * How long what is in progress on such a connection may take, in milliseconds. From 1 to
   * 2,147,483,647, or 0 for no limit.
   *
   * @default {0}
   */
  readonly maxConnectionAgeGrace?: number;
  /**
   * Milliseconds that a connector may take, if it returns a promise. The connection is then
   * aborted, and reported to `onConnectError` with a {@linkcode TransportError} of code
   * `timed-out`; what the connector returns later is ignored. From 1 to 2,147,483,647, or 0
   * for no limit.
   *
   * @default {10000}
   */
  readonly connectorTimeout?: number;
  /**
   * Called for each connection that was refused: with what the connector threw, or with a
   * {@linkcode ConnectionError} of code `too-many-connections`. What it throws is ignored,
   * and so is a promise that rejects.
   *
   * @default {console.error} at most once a second for each code or name of an error, and for
   * too many connections once a minute
   */
  readonly onConnectError?: (error: unknown, duplex: SocketDuplex) => void;
  /**
   * Called for each connection that ended with an error, such as bytes that are no message. The
   * default leaves out what peers and networks do every day: a {@linkcode TransportError}, an
   * `idle-timeout`, and an abort by this end. `() => {}` logs nothing. What it throws is ignored,
   * and so is a promise that rejects.
   *
   * @default {console.error} at most once a second for each code
   */
  readonly onConnectionError?: (
    error: ConnectionError | TransportError,
    connection: ServedConnection,
  ) => void;
}
