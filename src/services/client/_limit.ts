import { MAX_DELAY } from "../../check.ts";
import { rejected } from "../../rpc/reading.ts";
import { afterPoll } from "../../waits/after_poll.ts";
import { type Deadline, Deadlines } from "../../waits/deadlines.ts";
import { onAbort } from "../../waits/on_abort.ts";
import { tooLate } from "../_errors.ts";
import type { ClientContext } from "./_context.ts";

/**
 * What limits a call whose interceptors may not come back: what they pass it on to ends by itself,
 * but they may not have passed it on, or wait for something else.
 */
export class CallLimit {
  readonly #context: ClientContext;
  readonly #deadlines: Deadlines<CallLimit>;
  #deadline: Deadline<CallLimit> | undefined;
  #release: (() => void) | undefined;
  #cancel: (() => void) | undefined;
  /** Makes what those who wait fail with, once the call is over. */
  #failure: (() => Promise<never>) | undefined;
  readonly #waits = new Set<() => void>();

  constructor(context: ClientContext, deadlines: Deadlines<CallLimit>) {
    this.#context = context;
    this.#deadlines = deadlines;
    const { deadline, givenSignal: signal } = context;
    if (signal?.aborted) {
      this.#end(signal.reason, false);
      return;
    }
    if (signal) this.#release = onAbort(signal, () => this.#end(signal.reason, false));
    if (deadline === undefined) return;
    const now = performance.now();
    const due = Math.ceil(deadline);
    // A longer one outlives any call that it is for.
    if (due - now <= MAX_DELAY) this.#deadline = deadlines.at(due, this, now);
  }

  /** Waits for interceptors as long as the call may take; then for `instead`, given its failure. */
  wait<T>(
    promise: Promise<T>,
    instead: (failure: () => Promise<never>) => T | Promise<T>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = () => resolve(instead(this.#failure!));
      this.#waits.add(giveUp);
      if (this.#failure !== undefined) this.#giveUpSoon();
      promise.then(resolve, reject).then(() => this.#waits.delete(giveUp));
    });
  }

  /** The call has ended: nothing is watched for any more. */
  release(): void {
    this.#release?.();
    if (this.#deadline !== undefined) this.#deadlines.clear(this.#deadline);
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The deadline has passed. */
  onLate(): void {
    this.#end(tooLate(this.#context.method.path), true);
  }

  #end(reason: unknown, isOurs: boolean): void {
    this.release();
    this.#failure = () => rejected(reason, isOurs);
    this.#context.end(reason);
    this.#giveUpSoon();
  }

  /** Interceptors that tell what the call has failed with, or see it, do so before. */
  #giveUpSoon(): void {
    this.#cancel ??= afterPoll(() => {
      this.#cancel = undefined;
      for (const giveUp of this.#waits) giveUp();
      this.#waits.clear();
    });
  }
}

/** Makes the timer that the deadlines of a client's calls share. */
export function callDeadlines(): Deadlines<CallLimit> {
  return new Deadlines<CallLimit>((limit) => limit.onLate(), { afterPoll: true });
}

/** What limits a call, if anything does. */
export function limitOf(
  context: ClientContext,
  deadlines: Deadlines<CallLimit>,
): CallLimit | undefined {
  const { deadline, givenSignal } = context;
  const isLimited = deadline !== undefined || givenSignal !== undefined;
  return isLimited ? new CallLimit(context, deadlines) : undefined;
}

/** The answer of a call with one response, or its failure once its limit is over. */
export async function limited<T>(answer: Promise<T>, limit: CallLimit | undefined): Promise<T> {
  if (limit === undefined) return await answer;
  try {
    return await limit.wait(answer, (failure) => failure());
  } finally {
    limit.release();
  }
}
