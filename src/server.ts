import { Connection, type ConnectionConfig, type DrainOptions } from "./connection.ts";
import type { SocketAddress, SocketDuplex } from "./duplex.ts";
import type { Listener } from "./listener.ts";
import { checkDrainTimeout } from "./options.ts";

/**
 * Decides, for each accepted connection, how it is run: its codec, its reactor and
 * its bounds. If it throws or rejects, that connection is ended and no other.
 */
export type Connector<Inbound, Outbound = Inbound, Logical = Outbound> = (
  duplex: SocketDuplex,
) =>
  | ConnectionConfig<Inbound, Outbound, Logical>
  | Promise<ConnectionConfig<Inbound, Outbound, Logical>>;

/** Options of {@linkcode serve}. */
export interface ServeOptions {
  /**
   * Hears of a connection that the connector refused by throwing. The server goes
   * on, also if this throws.
   *
   * @default {console.error}
   */
  readonly onConnectError?: (error: unknown, duplex: SocketDuplex) => void;
}

/** A running server. */
export interface Server extends AsyncDisposable {
  /** Where its listener listens. */
  readonly address: SocketAddress;
  /** The connections that are open now. */
  readonly connections: ReadonlySet<ServedConnection>;
  /**
   * Resolves when the listener and all connections have ended; rejects if the
   * listener broke, after the connections have ended.
   */
  readonly finished: Promise<void>;
  /**
   * Accepts no more, and drains every connection: work under way is finished until the
   * `timeout`, then given up; what was answered is sent. Waits for all of that. May be
   * called again. Throws a `RangeError` for a bad `timeout`.
   */
  close(options?: DrainOptions): Promise<void>;
}

/** What a server can do with any of its connections. */
export type ServedConnection = Pick<
  Connection<unknown>,
  "closed" | "close" | "drain" | "abort"
>;

/**
 * Runs a {@linkcode Connection} for each one that the listener accepts, until the
 * listener is closed. A connection that fails never harms another.
 *
 * @example An echo of length-delimited messages
 * ```ts ignore
 * import { serve } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { listen } from "@protosocket/protosocket/deno";
 *
 * await using server = serve(await listen({ port: 9000 }), () => ({
 *   codec: lengthDelimited(),
 *   reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
 * }));
 * await server.finished;
 * ```
 */
export function serve<Inbound, Outbound = Inbound, Logical = Outbound>(
  listener: Listener,
  connector: Connector<Inbound, Outbound, Logical>,
  options: ServeOptions = {},
): Server {
  const {
    onConnectError = (error) => console.error("protosocket: a connection was refused", error),
  } = options;
  const connections = new Set<ServedConnection>();
  let closing: Promise<void> | undefined;

  async function open(duplex: SocketDuplex): Promise<void> {
    let connection: Connection<Inbound, Outbound, Logical>;
    try {
      connection = new Connection(duplex, await connector(duplex));
    } catch (error) {
      duplex.writable.abort(error).catch(() => {});
      onConnectError(error, duplex);
      return;
    }
    connections.add(connection);
    if (closing) connection.close();
    await connection.closed;
    connections.delete(connection);
  }

  async function accept(): Promise<void> {
    const opened = new Set<Promise<void>>();
    try {
      for await (const duplex of listener) {
        const life = open(duplex);
        opened.add(life);
        const forget = () => opened.delete(life);
        life.then(forget, forget);
      }
    } finally {
      await Promise.allSettled(opened);
    }
  }

  async function closeAll(timeout: number): Promise<void> {
    await listener.close();
    await Promise.all([...connections].map((connection) => connection.drain({ timeout })));
    await finished.catch(() => {});
  }

  function close({ timeout }: DrainOptions = {}): Promise<void> {
    const checked = checkDrainTimeout(timeout, "timeout");
    return closing ??= closeAll(checked);
  }

  const finished = accept();
  // Whoever does not look at `finished` is not to be ended by its rejection.
  finished.catch(() => {});
  return {
    address: listener.address,
    connections,
    finished,
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
