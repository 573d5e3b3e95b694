import { HeldRequests } from "./_held_requests.ts";
import type { RpcId } from "../../message.ts";

/** What {@linkcode Intake} asks of whom it belongs to. */
export interface IntakeEvents<Request> {
  /** Whether no RPC may be begun now. */
  isFull(): boolean;
  begin(id: RpcId, request: Request): void;
  /** A request was cancelled before it was begun. */
  drop(id: RpcId): void;
  /** Reading has stopped. */
  onStopped(): void;
  /** Reading goes on. */
  onResumed(): void;
}

/** Requests beyond `maxConcurrentRpcs`, and what lets the connection read on. */
export class Intake<Request> {
  readonly #events: IntakeEvents<Request>;
  readonly #held = new HeldRequests<Request>();
  #admitting = false;
  #readOn: (() => void) | undefined;
  #onAdmitted: (() => void) | undefined;

  constructor(events: IntakeEvents<Request>) {
    this.#events = events;
  }

  /** How many requests wait. */
  get length(): number {
    return this.#held.length;
  }

  /** Whether no more may be read, whatever may be behind. */
  get overfull(): boolean {
    return this.#held.overfull;
  }

  /** Whether the connection has stopped reading. */
  get stopped(): boolean {
    return this.#readOn !== undefined;
  }

  /** Keeps a request; the promise, if there is one, settles when more may be read. */
  hold(id: RpcId, request: Request, bytes: number): void | Promise<void> {
    this.#held.push(id, request, bytes);
    if (!this.#held.full) return;
    return new Promise((resolve) => {
      this.#readOn = resolve;
      this.#events.onStopped();
    });
  }

  /** Marks a request that waits as cancelled. */
  cancel(id: RpcId): void {
    this.#held.cancel(id);
  }

  /** Begins requests that are held, as many as may be, in a turn of its own. */
  admit(): void {
    if (this.#admitting || this.#held.length === 0 || this.#events.isFull()) return;
    this.#admitting = true;
    queueMicrotask(() => {
      this.#admitting = false;
      while (this.#held.length > 0 && !this.#events.isFull()) {
        const { id, request, cancelled } = this.#held.shift();
        if (cancelled) this.#events.drop(id);
        else this.#events.begin(id, request);
      }
      if (!this.#held.full) this.resume();
      this.#onAdmitted?.();
    });
  }

  /** Forgets all requests that wait. */
  dropAll(): void {
    while (this.#held.length > 0) this.#held.shift();
    this.resume();
    this.#onAdmitted?.();
  }

  /** Lets the connection read on, if it has stopped. */
  resume(): void {
    const readOn = this.#readOn;
    this.#readOn = undefined;
    this.#events.onResumed();
    readOn?.();
  }

  /** Resolves when some of the requests that wait have been begun or forgotten. */
  admitted(): Promise<void> {
    return new Promise<void>((resolve) => this.#onAdmitted = resolve);
  }
}
