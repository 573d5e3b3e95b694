import type { SocketAddress } from "../duplex.ts";

/**
 * What a worker's module exports under the name `serveCore`: starts a server whose
 * listener has the options that it is given.
 */
export type ServeCore<Data = unknown> = (
  options: CoreListenOptions,
  data: Data,
) => CoreServer | Promise<CoreServer>;

/** Where a worker is to listen: for `listen` of any adapter, with more options or as they are. */
export interface CoreListenOptions {
  /** The address to listen on. */
  readonly hostname: string;
  /** The port; 0 for the system to choose. */
  readonly port: number;
  /** Whether workers share the port by a listener each. */
  readonly reusePort: boolean;
}

/** The server of one worker, such as `serve` and `serveRpc` return. */
export interface CoreServer {
  /** Where it listens. */
  readonly address: SocketAddress;
  /** Settles when the server has ended; its worker is ended then. */
  readonly finished: Promise<void>;
  /** Ends the server in order, within `timeout` milliseconds. */
  close(options?: CoreCloseOptions): Promise<void>;
}

/** Options of {@linkcode MultiCoreServer.close}. */
export interface CoreCloseOptions {
  /**
   * Milliseconds until what is under way is given up. At most 2,147,483,647.
   *
   * @default {10000}
   */
  readonly timeout?: number;
}

/** A server that runs on several cores. */
export interface MultiCoreServer extends AsyncDisposable {
  /** Where its workers listen. */
  readonly address: SocketAddress;
  /** How many workers there are. */
  readonly cores: number;
  /**
   * Resolves when all workers have ended; rejects with a {@linkcode TransportError}, after
   * all have ended, if workers died too often or one could not be closed.
   */
  readonly finished: Promise<void>;
  /**
   * Closes the servers of all workers at once, each in order, and waits for that. A worker
   * that does not answer within the timeout and 2 seconds is ended. May be called again.
   */
  close(options?: CoreCloseOptions): Promise<void>;
}
