import type { CountedSignal } from "../support/counted_signal.ts";
import type { Ask, CallPlan } from "./plan.ts";

/** What became of one call, as both ends saw it. */
export class CallRecord {
  readonly token: number;
  readonly plan: CallPlan;
  readonly ask: Ask;
  /** The client that made it. */
  readonly client: number;
  readonly began: number;
  /** Handlers that it was given to, one for each time that it was begun. */
  readonly handlers: HandlerRecord[] = [];
  /** When it settled. */
  settled: number | undefined;
  error: unknown;
  /** Whether its caller left the stream before its end. */
  left = false;
  /** Whether the caller has paused, and whether it has stopped reading for good. */
  paused = false;
  stalled = false;
  /** Items, or the response, that its caller has got. */
  read = 0;
  /** Items, or responses, that its connections have decoded. */
  decoded = 0;
  /** Whether it has got something that was not its next item. */
  astray = false;
  /** Whether its stream has come to its end in order. */
  complete = false;
  signal: CountedSignal | undefined;
  /** What its own signal fires with. */
  reason: Error | undefined;

  constructor(token: number, plan: CallPlan, client: number, began: number) {
    this.token = token;
    this.plan = plan;
    this.ask = plan.ask;
    this.client = client;
    this.began = began;
  }

  get name(): string {
    return `call ${this.token}`;
  }
}

/** One run of a handler. */
export interface HandlerRecord {
  readonly server: string;
  readonly began: number;
  /** Whether it is over: it has returned, or its stream has been left. */
  over: boolean;
  /** Items made. */
  made: number;
  /** Whether it waits for nothing but its signal. */
  waits: boolean;
}
