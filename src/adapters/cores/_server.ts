import type { SocketAddress } from "../../duplex/duplex.ts";

/**
 * The function that a worker's module exports as `serveCore`: it starts a server on a
 * listener with the given options.
 */
export type ServeCore<Data = unknown> = (
  options: CoreListenOptions,
  data: Data,
) => CoreServer | Promise<CoreServer>;

/** Where a worker must listen: pass these to `listen` of any adapter, with other options added. */
export interface CoreListenOptions {
  /** The address to listen on. */
  readonly hostname: string;
  /** The port; 0 for the system to choose. */
  readonly port: number;
  /** Whether each worker has a listener of its own on the same port. */
  readonly reusePort: boolean;
}

/** The server of one worker, such as `serve` and `serveRpc` return. */
export interface CoreServer {
  /** Where it listens. */
  readonly address: SocketAddress;
  /** Settles when the server has ended; then its worker ends. */
  readonly finished: Promise<void>;
  /** Closes the server in order, within `timeout` milliseconds. */
  close(options?: CoreCloseOptions): Promise<void>;
}

/** Options of {@linkcode MultiCoreServer.close}. */
export interface CoreCloseOptions {
  /**
   * Milliseconds that work in progress may take to finish. From 0 to 2,147,483,647.
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
   * Closes the servers of all workers at once, each in order, and waits for them. A worker
   * that has not closed 2 seconds after the timeout is killed. May be called again.
   */
  close(options?: CoreCloseOptions): Promise<void>;
}
