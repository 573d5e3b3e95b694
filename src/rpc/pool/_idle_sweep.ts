import { retire } from "./_member.ts";
import type { Slot } from "./_slot.ts";

/** Closes connections that have had no call for a time. */
export class IdleSweep<Request, Response, Endpoint> {
  readonly #idleTimeout: number | undefined;
  readonly #slots: () => Iterable<Slot<Request, Response, Endpoint>>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    idleTimeout: number | undefined,
    slots: () => Iterable<Slot<Request, Response, Endpoint>>,
  ) {
    this.#idleTimeout = idleTimeout;
    this.#slots = slots;
  }

  /** There is a connection. */
  start(): void {
    if (this.#idleTimeout === undefined) return;
    this.#timer ??= setTimeout(() => this.#sweep(), this.#idleTimeout);
  }

  /** There is none any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Closes connections that have had no call since the previous sweep. */
  #sweep(): void {
    for (const slot of this.#slots()) closeIfQuiet(slot);
    this.#timer = undefined;
    this.start();
  }
}

/** Closes a slot's connection if it had no call before the last two looks. */
export function closeIfQuiet<Request, Response, Endpoint>(
  slot: Slot<Request, Response, Endpoint>,
): void {
  const { live } = slot;
  if (!live) return;
  const busy = live.used || live.client.inFlight > 0;
  live.used = false;
  if (!busy && live.quiet) {
    slot.member = undefined;
    retire(live);
    live.client.close();
  }
  live.quiet = !busy;
}
