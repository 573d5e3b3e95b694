import type { Connection, DrainOptions } from "../connection/connection.ts";
import type { CloseReason } from "../close_reason.ts";
import type { SocketAddress, SocketDuplex } from "../duplex/duplex.ts";

/** One of a server's connections. */
export interface ServedConnection {
  /** The client's address, if it is known. */
  readonly remoteAddress?: SocketAddress;
  /** When it was accepted. */
  readonly since: Date;
  /** See {@linkcode Connection.inFlight}. */
  readonly inFlight: number;
  /** See {@linkcode Connection.bytesReceived}. */
  readonly bytesReceived: number;
  /** See {@linkcode Connection.bytesSent}. */
  readonly bytesSent: number;
  /** See {@linkcode Connection.closed}. */
  readonly closed: Promise<CloseReason>;
  /** See {@linkcode Connection.close}. */
  close(): Promise<CloseReason>;
  /** See {@linkcode Connection.drain}. */
  drain(options?: DrainOptions): Promise<CloseReason>;
  /** See {@linkcode Connection.abort}. */
  abort(reason?: unknown): void;
}

type Parts = Pick<
  Connection<unknown>,
  "inFlight" | "bytesReceived" | "bytesSent" | "closed" | "close" | "drain" | "abort"
>;

/** A connection of a server, with what is known of where it came from. */
export class Served implements ServedConnection {
  readonly #connection: Parts;
  readonly #since: number = Date.now();
  readonly remoteAddress?: SocketAddress;
  readonly closed: Promise<CloseReason>;

  constructor(connection: Parts, { remoteAddress }: SocketDuplex) {
    this.#connection = connection;
    this.closed = connection.closed;
    if (remoteAddress) this.remoteAddress = remoteAddress;
  }

  get since(): Date {
    return new Date(this.#since);
  }

  get inFlight(): number {
    return this.#connection.inFlight;
  }

  get bytesReceived(): number {
    return this.#connection.bytesReceived;
  }

  get bytesSent(): number {
    return this.#connection.bytesSent;
  }

  close(): Promise<CloseReason> {
    return this.#connection.close();
  }

  drain(options?: DrainOptions): Promise<CloseReason> {
    return this.#connection.drain(options);
  }

  abort(reason?: unknown): void {
    this.#connection.abort(reason);
  }
}
