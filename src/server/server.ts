import { Admission } from "./_admission.ts";
import { Ages } from "./_ages.ts";
import { Connecting, DEFAULT_CONNECTOR_TIMEOUT } from "./_connecting.ts";
import { sayFailed, sayRefused } from "./_log.ts";
import {
  checkCallback,
  checkFunction,
  checkListener,
  checkOptions,
  delay,
  wrong,
} from "../check.ts";
import { Connection, type DrainOptions } from "../connection/connection.ts";
import type { SocketAddress, SocketDuplex } from "../duplex/duplex.ts";
import type { Listener } from "../duplex/listener.ts";
import { checkConnectionOption, SERVER_DEFAULTS } from "../options.ts";
import type { Connector, ServeOptions } from "./serve_options.ts";
import { Served, type ServedConnection } from "./served_connection.ts";
import { tell } from "../user_callback.ts";
import { limited, watch } from "../waits/bounded.ts";

export { DEFAULT_CONNECTOR_TIMEOUT };
export {
  type Connector,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
  type ServeOptions,
} from "./serve_options.ts";
export type { ServedConnection } from "./served_connection.ts";

/** Options of {@linkcode Server.close}. */
export interface ServerCloseOptions extends DrainOptions {
  /**
   * Milliseconds that the server goes on as before, accepting connections and requests, with
   * `ready` already `false`: time for load balancers to notice. It ends with the listener and the
   * last connection, if these end before. From 0 to 2,147,483,647.
   *
   * @default {0}
   */
  readonly delay?: number;
}

/** A running server. */
export interface Server extends AsyncDisposable {
  /** The address that its listener listens on. */
  readonly address: SocketAddress;
  /**
   * Whether clients should come here: `true` until {@linkcode close} is called, or the listener
   * has failed. For readiness probes.
   */
  readonly ready: boolean;
  /** The connections that are open now: who, since when, how much. */
  readonly connections: ReadonlySet<ServedConnection>;
  /** How many connections have been refused because too many were open, in total. */
  readonly refused: number;
  /**
   * Resolves when the listener and all connections have ended. Rejects, once the
   * connections have ended, if the listener failed.
   */
  readonly finished: Promise<void>;
  /**
   * Is not {@linkcode ready} any more; after `delay` stops accepting, drains every connection, and
   * resolves when all have ended: work in progress may finish within `timeout` and is then
   * cancelled; finished responses are still sent. A connector that has not settled by then is given
   * up. May be called again; the options of the first call count. Throws a `RangeError` for an
   * option out of range.
   */
  close(options?: ServerCloseOptions): Promise<void>;
}

/** The listeners that have a server. */
const taken = new WeakSet<Listener>();

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
 * import { listen } from "@protosocket/protosocket/sockets";
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
  checkListener(listener);
  checkFunction("connector", connector, " that configures a connection");
  const {
    connectorTimeout = DEFAULT_CONNECTOR_TIMEOUT,
    onConnectError = sayRefused(),
    onConnectionError = sayFailed(),
    maxConnectionAge = 0,
    maxConnectionAgeGrace = 0,
  } = options;
  checkCallback("onConnectError", onConnectError);
  checkCallback("onConnectionError", onConnectionError);
  // Each would get some of the connections, and none would end.
  if (taken.has(listener)) {
    throw wrong("listener has a server already; one server takes any number of services");
  }
  const admission = new Admission(options);
  const connecting = new Connecting(connectorTimeout);
  const ages = new Ages(
    delay("maxConnectionAge", maxConnectionAge, 0),
    delay("maxConnectionAgeGrace", maxConnectionAgeGrace, 0),
  );
  let ready = true;
  let refused = 0;
  const connections = new Set<ServedConnection>();
  /** How many have been admitted and not left, and what to call when none is. */
  let opened = 0;
  let onAllLeft = () => {};
  let closing: Promise<void> | undefined;
  /** Whether no more connections are wanted. */
  let stopped = false;

  /** Resolves once there is a connection, or none: what goes on is not for an async function. */
  async function open(
    duplex: SocketDuplex,
    remoteAddress: SocketAddress | undefined,
  ): Promise<void> {
    let connection: Connection<Inbound, Outbound, Logical>;
    try {
      connection = new Connection(
        duplex,
        await connecting.limit(connector(duplex)),
        SERVER_DEFAULTS,
      );
    } catch (error) {
      left(remoteAddress);
      return refuse(duplex, error);
    }
    const served = new Served(connection, duplex);
    connections.add(served);
    const leaveAges = ages.begin(served);
    if (stopped) connection.close();
    connection.closed.then((reason) => {
      leaveAges();
      connections.delete(served);
      if (reason.kind === "error") tell(onConnectionError, reason.error, served);
      left(remoteAddress);
    });
  }

  /** A connection that was admitted has ended, or none has come of it. */
  function left(remoteAddress: SocketAddress | undefined): void {
    admission.leave(remoteAddress);
    if (--opened === 0) onAllLeft();
  }

  function refuse(duplex: SocketDuplex, error: unknown): void {
    duplex.writable.abort(error).catch(() => {});
    tell(onConnectError, error, duplex);
  }

  async function accept(): Promise<void> {
    try {
      for await (const duplex of listener) {
        const { remoteAddress } = duplex;
        const full = admission.enter(remoteAddress);
        if (full) {
          refused++;
          refuse(duplex, full);
          continue;
        }
        opened++;
        open(duplex, remoteAddress);
      }
    } finally {
      ready = false;
      taken.delete(listener);
      if (opened > 0) await new Promise<void>((resolve) => onAllLeft = resolve);
    }
  }

  async function closeAll(timeout: number, wait: number): Promise<void> {
    // Nothing is left to wait for once the listener and all connections have ended.
    if (wait > 0) await limited(finished, { signals: [], timeout: wait }).catch(() => {});
    stopped = true;
    const release = watch([], timeout, () => connecting.close());
    await listener.close();
    await Promise.all([...connections].map((connection) => connection.drain({ timeout })));
    await finished.catch(() => {});
    release();
  }

  function close(options: ServerCloseOptions = {}): Promise<void> {
    // As a listener of a signal, it is called with its name.
    if (typeof options !== "string") checkOptions("options", options);
    const { timeout, delay: wait = 0 } = options;
    const checked = checkConnectionOption("drainTimeout", timeout, "timeout");
    delay("delay", wait, 0);
    ready = false;
    return closing ??= closeAll(checked, wait);
  }

  taken.add(listener);
  const finished = accept();
  // A rejection that nobody awaits must not end the process.
  finished.catch(() => {});
  return {
    address: listener.address,
    connections,
    get ready() {
      return ready;
    },
    get refused() {
      return refused;
    },
    finished,
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
