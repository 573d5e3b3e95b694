import { Silence } from "../../../waits/silence.ts";
import { HeldRequests } from "./_held_requests.ts";
import type { RpcId, RpcMessage } from "../../message.ts";

/** Milliseconds without an RPC that was begun, after which a connection waits for one no more. */
const STUCK = 10_000;

/** What {@linkcode Intake} asks of whom it belongs to. */
export interface IntakeEvents<Request> {
  /** Whether no RPC may be begun now. */
  isFull(): boolean;
  /** How many of the RPCs in progress wait for something that may be unread. */
  waiting(): "none" | "some" | "all";
  /** How many answers and refusals have not been sent. */
  readonly pending: number;
  begin(id: RpcId, request: Request): void;
  /** A request was cancelled before it was begun. */
  drop(id: RpcId): void;
  /** A request cannot be begun. */
  refuse(id: RpcId, request: Request): void;
}

/**
 * Requests beyond `maxConcurrentRpcs`. When they are many, the connection stops reading until
 * some have been begun. But if RPCs wait for their client, the grant or item that they wait for
 * may be unread: it reads on then, up to a second bound, and beyond that if all of them do, so
 * that nothing else can help. What is too much is then refused, the oldest first. The same
 * holds if none of them has made room for long: what they wait for may be a Cancel.
 */
export class Intake<Request> {
  readonly #events: IntakeEvents<Request>;
  readonly #messages: Pick<RpcMessage<Request>, "keeper">;
  /** Made when a request is held: most connections never have one. */
  #held: HeldRequests<Request> | undefined;
  #admitting = false;
  /** Watches for RPCs that make room, while the connection does not read. */
  #begins: Silence | undefined;
  /** Whether none had made room for long when a request was read last. */
  #isStuck = false;
  #resume: (() => void) | undefined;
  #onAdmitted: (() => void) | undefined;

  constructor(events: IntakeEvents<Request>, messages: Pick<RpcMessage<Request>, "keeper">) {
    this.#events = events;
    this.#messages = messages;
  }

  /** How many requests wait. */
  get length(): number {
    return this.#held === undefined ? 0 : this.#held.length;
  }

  /** Keeps a request; the promise, if there is one, settles when more may be read. */
  hold(id: RpcId, request: Request, bytes: number): void | Promise<void> {
    const held = this.#held ??= new HeldRequests(this.#messages.keeper?.());
    held.push(id, request, bytes);
    if (!held.full || this.#mayReadOn()) return;
    this.#begins ??= new Silence(STUCK, this);
    this.#begins.touch();
    return new Promise((resolve) => this.#resume = resolve);
  }

  /**
   * Lets the connection read on if it has stopped, and now something else waits for it, or what
   * did not wait, such as an answer or a refusal, has been sent.
   */
  readOn(): void {
    if (this.#resume && this.#mayReadOn()) this.#goOn();
  }

  /** Marks a request that waits as cancelled. */
  cancel(id: RpcId): void {
    this.#held?.cancel(id);
  }

  /** No RPC has made room for long. */
  onSilence(): void {
    this.#isStuck = true;
    this.readOn();
  }

  /** Begins requests that are held, as many as may be, in a turn of its own. */
  admit(): void {
    const held = this.#held;
    if (held === undefined || held.length === 0) return;
    if (this.#admitting || this.#events.isFull()) return;
    this.#admitting = true;
    queueMicrotask(() => {
      this.#admitting = this.#isStuck = false;
      if (this.#resume) this.#begins!.touch();
      while (held.length > 0 && !this.#events.isFull()) {
        const { id, request, cancelled } = held.shift();
        if (cancelled) this.#events.drop(id);
        else this.#events.begin(id, request);
      }
      if (!held.full) this.#goOn();
      this.#onAdmitted?.();
    });
  }

  /** Forgets all requests that wait. */
  dropAll(): void {
    while (this.length > 0) this.#held!.shift();
    this.#goOn();
    this.#begins?.stop();
    this.#begins = undefined;
    this.#onAdmitted?.();
  }

  /** Resolves when some of the requests that wait have been begun or forgotten. */
  admitted(): Promise<void> {
    return new Promise<void>((resolve) => this.#onAdmitted = resolve);
  }

  /** Whether more may be read though enough are held; refuses what is too much. */
  #mayReadOn(): boolean {
    // Only what is held stops the reading.
    const held = this.#held!;
    const waiting = this.#isStuck && this.#events.pending === 0 ? "all" : this.#events.waiting();
    if (waiting !== "all") return waiting === "some" && !held.overfull;
    while (held.overfull && held.length > 1) {
      const { id, request, cancelled } = held.shift();
      if (cancelled) this.#events.drop(id);
      else this.#events.refuse(id, request);
    }
    return true;
  }

  #goOn(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    this.#begins?.hold();
    resume?.();
  }
}
