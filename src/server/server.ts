import { Admission } from "./_admission.ts";
import { Connecting, DEFAULT_CONNECTOR_TIMEOUT } from "./_connecting.ts";
import { Connection, type DrainOptions } from "../connection/connection.ts";
import type { ConnectionConfig } from "../connection/connection_config.ts";
import type { SocketAddress, SocketDuplex } from "../duplex/duplex.ts";
import { ConnectionError } from "../errors.ts";
import type { Listener } from "../duplex/listener.ts";
import { integer } from "../check.ts";
import { checkDrainTimeout, SERVER_DEFAULTS } from "../options.ts";
import { tell } from "../user_callback.ts";

export { DEFAULT_CONNECTOR_TIMEOUT };

/** The default of {@linkcode ServeOptions.maxConnections}: 10,000. */
export const DEFAULT_MAX_CONNECTIONS = 10_000;
/** The default of {@linkcode ServeOptions.maxConnectionsPerAddress}: 1,000. */
export const DEFAULT_MAX_CONNECTIONS_PER_ADDRESS = 1000;
/** How often, in milliseconds, a server logs that it is full. */
const SAY_FULL_EVERY = 60_000;

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
   * An IPv6 /64 counts as one address; Unix sockets have none and are not limited. Behind
   * a proxy that hides its clients' addresses, set it to `maxConnections`. From 1 to
   * 2,147,483,647.
   *
   * @default {1000}
   */
  readonly maxConnectionsPerAddress?: number;
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
   * @default {console.error} for too many connections, at most once a minute
   */
  readonly onConnectError?: (error: unknown, duplex: SocketDuplex) => void;
}

/** A running server. */
export interface Server extends AsyncDisposable {
  /** The address that its listener listens on. */
  readonly address: SocketAddress;
  /** The connections that are open now. */
  readonly connections: ReadonlySet<ServedConnection>;
  /** How many connections have been refused because too many were open, in total. */
  readonly refused: number;
  /**
   * Resolves when the listener and all connections have ended. Rejects, once the
   * connections have ended, if the listener failed.
   */
  readonly finished: Promise<void>;
  /**
   * Stops accepting, drains every connection, and resolves when all have ended: work in
   * progress may finish within `timeout` and is then cancelled; finished responses are
   * still sent. A connector that has not settled by then is given up. May be called again; the first `timeout` counts. Throws a `RangeError` for
   * a `timeout` out of range.
   */
  close(options?: DrainOptions): Promise<void>;
}

/** One of a server's connections. */
export type ServedConnection = Pick<
  Connection<unknown>,
  "closed" | "close" | "drain" | "abort"
>;

/**
 * Runs a {@linkcode Connection} for each socket that the listener accepts, until the
 * listener is closed. A connection that fails does not affect others. Connections get
 * stricter defaults than a client's: see `firstMessageTimeout`, `messageTimeout`,
 * `writeTimeout` and `maxPipelinedBytes` in {@linkcode ConnectionOptions}. Throws a
 * `RangeError` for an option out of range.
 *
 * @example An echo of length-delimited messages
 * ```ts
 * import { serve } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { listen } from "@protosocket/protosocket/node"; // or /deno, /bun
 *
 * await using server = serve(await listen({ port: 0 }), () => ({
 *   codec: lengthDelimited(),
 *   reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
 * }));
 * console.log(server.address);
 * await server.close(); // or, to serve until it is closed elsewhere: await server.finished
 * ```
 */
export function serve<Inbound, Outbound = Inbound, Logical = Outbound>(
  listener: Listener,
  connector: Connector<Inbound, Outbound, Logical>,
  options: ServeOptions = {},
): Server {
  const {
    maxConnections = DEFAULT_MAX_CONNECTIONS,
    maxConnectionsPerAddress = DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
    connectorTimeout = DEFAULT_CONNECTOR_TIMEOUT,
    onConnectError = sayRefused(),
  } = options;
  const admission = new Admission(
    integer("maxConnections", maxConnections, 1, 2 ** 31 - 1),
    integer("maxConnectionsPerAddress", maxConnectionsPerAddress, 1, 2 ** 31 - 1),
  );
  const connecting = new Connecting(connectorTimeout);
  let refused = 0;
  const connections = new Set<ServedConnection>();
  let closing: Promise<void> | undefined;

  async function open(duplex: SocketDuplex): Promise<void> {
    let connection: Connection<Inbound, Outbound, Logical>;
    try {
      connection = new Connection(
        duplex,
        await connecting.limit(connector(duplex)),
        SERVER_DEFAULTS,
      );
    } catch (error) {
      return refuse(duplex, error);
    }
    connections.add(connection);
    if (closing) connection.close();
    await connection.closed;
    connections.delete(connection);
  }

  function refuse(duplex: SocketDuplex, error: unknown): void {
    duplex.writable.abort(error).catch(() => {});
    tell(onConnectError, error, duplex);
  }

  async function accept(): Promise<void> {
    const opened = new Set<Promise<void>>();
    try {
      for await (const duplex of listener) {
        const { remoteAddress } = duplex;
        const full = admission.enter(remoteAddress);
        if (full) {
          refused++;
          refuse(duplex, full);
          continue;
        }
        const life = open(duplex).finally(() => {
          admission.leave(remoteAddress);
          opened.delete(life);
        });
        opened.add(life);
      }
    } finally {
      await Promise.allSettled(opened);
    }
  }

  async function closeAll(timeout: number): Promise<void> {
    const deadline = setTimeout(() => connecting.close(), timeout);
    await listener.close();
    await Promise.all([...connections].map((connection) => connection.drain({ timeout })));
    await finished.catch(() => {});
    clearTimeout(deadline);
  }

  function close({ timeout }: DrainOptions = {}): Promise<void> {
    const checked = checkDrainTimeout(timeout, "timeout");
    return closing ??= closeAll(checked);
  }

  const finished = accept();
  // A rejection that nobody awaits must not end the process.
  finished.catch(() => {});
  return {
    address: listener.address,
    connections,
    get refused() {
      return refused;
    },
    finished,
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

/** Logs what was refused, rate-limited so that a flood of connections does not flood the log. */
function sayRefused(): (error: unknown) => void {
  let last = -Infinity;
  return (error) => {
    if (error instanceof ConnectionError && error.code === "too-many-connections") {
      const now = performance.now();
      if (now - last < SAY_FULL_EVERY) return;
      last = now;
    }
    console.error("protosocket: a connection was refused", error);
  };
}
