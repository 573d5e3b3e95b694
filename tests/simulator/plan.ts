// The parts of a run, all drawn before it begins.
import type { NetworkOptions } from "./network.ts";
import type { ServicesPlan } from "./services/plan.ts";

/** How a handler answers. */
export type Answer =
  | "now"
  | "later"
  | "sync"
  | "async"
  | "refuse"
  | "throw"
  | "reject"
  | "never";

/** What a call asks for. */
export interface Ask {
  /** How the client calls: for one response or for a stream. */
  readonly kind: "unary" | "stream";
  readonly answer: Answer;
  /** How many items a stream has; `Infinity` for one without end. */
  readonly items: number;
  /** Bytes of filler of each response, and of the request. */
  readonly size: number;
  readonly requestSize: number;
  /** Milliseconds before the response, or between the items of an async stream. */
  readonly delay: number;
  /** The number of the item, or response, that cannot be encoded; -1 for none. */
  readonly badAt: number;
  /** The request cannot be encoded. */
  readonly badRequest: boolean;
}

/** How a stream is read. */
export interface Reading {
  /** Milliseconds spent with each item. */
  readonly pace: number;
  /** After so many items, `then` happens. */
  readonly after: number;
  readonly then: "leave" | "pause" | "stall" | "nothing";
  /** A unary call is made, and awaited, with each item. */
  readonly loop: boolean;
}

/** One call. */
export interface CallPlan {
  readonly ask: Ask;
  readonly reading: Reading;
  readonly timeout: number | undefined;
  /** Milliseconds after which its signal fires. */
  readonly cancelAfter: number | undefined;
  readonly idempotent: boolean;
  readonly key: number | undefined;
  /** Milliseconds before it begins, after the one before it. */
  readonly gap: number;
}

/** Calls that follow each other, on one client. */
export interface ActorPlan {
  readonly client: number;
  readonly calls: readonly CallPlan[];
  /** Whether each call waits for the one before it. */
  readonly oneByOne: boolean;
  /** Whether the run does not wait for it: it goes on until the run ends. */
  readonly background: boolean;
}

export interface ClientPlan {
  readonly pool: boolean;
  /** The server that it connects to, if it is not a pool. */
  readonly server: number;
  readonly slots: number;
  readonly maxBufferedBytes: number;
  readonly maxBufferedItems: number;
  /** How it ends. */
  readonly end: "close" | "drain" | "abort";
}

/** Something that befalls the run. */
export interface FaultPlan {
  readonly at: number;
  readonly kind: "cut" | "stall" | "close" | "kill" | "freeze" | "end-client";
  /** The server, or the client, whose fault it is. */
  readonly target: number;
  /** How long a stall or a freeze lasts; how long a closing server may take; how soon it is back. */
  readonly ms: number;
  readonly back: number | undefined;
}

/** A server of the core without RPCs, which echoes, and a client that sends so many messages. */
export interface EchoPlan {
  readonly messages: number;
  readonly size: number;
  readonly maxQueuedMessages: number;
  /** When the server closes; the client's own end comes after its last echo. */
  readonly closeAt: number | undefined;
  /** How the reactor sends: it returns the promise, or it sends all the time without being asked. */
  readonly chatter: boolean;
}

/** A peer that asks and never reads. */
export interface GreedyPlan {
  readonly server: number;
  readonly requests: number;
  readonly ask: Ask;
}

export interface Plan {
  readonly mix: Mix;
  readonly network: NetworkOptions;
  readonly servers: number;
  readonly clients: readonly ClientPlan[];
  readonly actors: readonly ActorPlan[];
  readonly faults: readonly FaultPlan[];
  readonly echoes: readonly EchoPlan[];
  readonly greedy: readonly GreedyPlan[];
  readonly services: readonly ServicesPlan[];
  readonly narrow: boolean;
  readonly server: {
    readonly maxConcurrentRpcs: number;
    readonly maxQueuedMessages: number;
    readonly maxPipelinedBytes: number | undefined;
    readonly writeTimeout: number | undefined;
  };
  readonly maxBufferLength: number | undefined;
  readonly clientQueue: number;
}

export const MIXES = [
  "unary",
  "streams",
  "loops",
  "pipelined",
  "crowded",
  "echo",
  "fleet",
  "mismatch",
  "services",
  "faults",
  "everything",
] as const;
export type Mix = typeof MIXES[number];
