import type { Duplex } from "../../mod.ts";

/** Two joined ends, and what it takes to get rid of them. */
export interface Pair {
  readonly client: Duplex;
  readonly server: Duplex;
  /** Closes what the ends came from, such as a listener. */
  close(): Promise<void>;
}

/** What a transport is asked for. */
export interface OpenOptions {
  readonly noDelay?: boolean;
  readonly keepAlive?: boolean;
}

/** What a transport cannot do, by name, with the reason. */
export interface Gaps {
  /** The peer of an abort may take it for an end in order, instead of an error. */
  readonly reset?: string;
  /** The first write of an accepted end fails if the peer's end is there already. */
  readonly crossing?: string;
  /** There is no backpressure towards the peer: unread data is limited by aborting. */
  readonly inbound?: string;
  /** A connection that breaks while a write waits harms more than itself. */
  readonly breaking?: string;
  /** While nothing is read, a peer's abort is not noticed. */
  readonly unnoticed?: string;
  /** There are streams only, and no synchronous face. */
  readonly face?: string;
  /** Writes that are taken at once keep timers from running. */
  readonly turns?: string;
}

/** A transport that the suite is run on. */
export interface Adapter {
  readonly name: string;
  readonly gaps: Gaps;
  /** How many unread bytes a pair may hold; 48 MiB if left out. */
  readonly holds?: number;
  open(options?: OpenOptions): Promise<Pair>;
}
