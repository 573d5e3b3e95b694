// What the runner tells a client to do, and what the client tells of it: JSON, a line each.

/** A piece of work, the same for every row. */
export interface Work {
  /**
   * `echo`: unary calls, whose answer must be what was sent. `stream`: calls that are
   * answered with `items` items each, of `bytes` bytes. `bidi`: calls that send `items`
   * requests of `bytes` bytes each, and get an answer to each. `fan-out`: messages, one after
   * another, that the server sends to all connections.
   */
  readonly kind: "echo" | "stream" | "bidi" | "fan-out";
  readonly connections: number;
  /** Calls in flight, over all connections. */
  readonly inFlight: number;
  /** Calls a second on a fixed schedule, instead of as many as answers come. */
  readonly rate?: number;
  /** How long the payload of a message is; 0 is the number of the call, in decimal. */
  readonly bytes: number;
  /** Of a stream, or of each direction of one. */
  readonly items?: number;
  /** Other connections that are open meanwhile, each after one call, and do nothing. */
  readonly idle?: number;
  /** Connections that ask for a stream without an end, and do not read it: of the floor only. */
  readonly unread?: number;
  readonly seconds: number;
}

/** What came of it. */
export interface Result {
  /** Calls that were answered; of streams, items that came; of a fan-out, messages that arrived. */
  readonly count: number;
  readonly seconds: number;
  /**
   * Microseconds; of streams, of whole ones; of a fan-out, until all had the message. From
   * the intended time of sending, if there was a rate.
   */
  readonly latency: Latency;
}

export interface Latency {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}
