import { type CloseReason, ConnectionError } from "../../../mod.ts";
import { isObject, MAX_DELAY, shown, wrong } from "../../check.ts";
import { bounded } from "../../waits/bounded.ts";
import type { RaceResult } from "./_connect_race.ts";
import type { Place } from "./_endpoints.ts";
import type { RpcClient } from "../client/client.ts";
import { RpcError } from "../errors.ts";

/** A slot's client. */
export interface Member<Request, Response, Endpoint> {
  readonly client: RpcClient<Request, Response>;
  readonly place: Place<Endpoint>;
  /** When it was connected. */
  readonly since: number;
  /** Whether it counts towards its endpoint's load. */
  counted: boolean;
  /** Whether it is being ended, by the pool or by its server. */
  retired: boolean;
  /** Whether a call has used it since the last sweep. */
  used: boolean;
  /** Whether it had no calls between the last two sweeps. */
  quiet: boolean;
}

/** A place for one connection at a time. */
export class Slot<Request, Response, Endpoint> {
  member: Member<Request, Response, Endpoint> | undefined;
  /** The pending connect, shared by all waiting calls. */
  connecting: Promise<RaceResult<Member<Request, Response, Endpoint>>> | undefined;
  /** The place that it connects to first. */
  target: Place<Endpoint> | undefined;
  /** How many calls wait for it. */
  waiting = 0;
  /** How many calls it gets, compared with other slots; see `Choice`. */
  weight = 1;

  /** Whether it is there for keys only. */
  readonly extra: boolean;

  constructor(extra = false) {
    this.extra = extra;
  }

  /** Its connection, if it can take calls. */
  get live(): Member<Request, Response, Endpoint> | undefined {
    return this.member?.client.isAlive ? this.member : undefined;
  }

  /** How busy it is. A server that refuses calls is not idle, however soon it does. */
  get load(): number {
    const { live } = this;
    return live ? live.client.inFlight + live.place.refusals : this.waiting;
  }
}

/** Lets a connection's calls finish, and closes it then. */
export function leave<Request, Response>(member: Member<Request, Response, unknown>): void {
  retire(member);
  member.client.drain({ timeout: MAX_DELAY });
}

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

type Counted = Omit<Member<unknown, unknown, unknown>, "client">;

/** Ends the use of a connection, as the pool or its server wants. */
export function retire(member: Counted): void {
  member.retired = true;
  uncount(member);
}

/** Takes a connection that takes no more calls out of its endpoint's load. */
export function uncount(member: Counted): void {
  if (member.counted) {
    member.place.load--;
    member.place.open--;
  }
  member.counted = false;
}

/** Drains a client within `timeout`, even if it is already draining with a longer one. */
export async function drainWithin(
  client: Pick<RpcClient<unknown, unknown>, "drain" | "close">,
  timeout: number,
): Promise<void> {
  const drained = () => client.drain({ timeout: MAX_DELAY });
  await bounded(drained, { signals: [], timeout }).catch(() => client.close());
}

/** Whether this end chose to end the connection. */
export function endedHere(reason: CloseReason): boolean {
  if (reason.kind !== "error") return reason.kind === "local";
  return reason.error instanceof ConnectionError && reason.error.code === "aborted";
}

/** Checks that `connect` has made a client. */
export function checkClient(client: unknown): void {
  const { unary, readable } = isObject(client) ? client : {};
  if (typeof unary === "function") return;
  const what = readable === undefined ? shown(client) : "only the socket for one";
  throw wrong(`connect must make an RpcClient, not ${what}`);
}

/** The error for a call that may not even wait. */
export function tooMany(maxWaitingCalls: number): RpcError {
  const message = `maxWaitingCalls, ${maxWaitingCalls}, are waiting for a connection`;
  return new RpcError("unavailable", message, { sent: false });
}

/** The error for a call on a pool that is closed or draining. */
export function poolClosed(): RpcError {
  return new RpcError("connection-closed", "Cannot call: the pool is closed", { sent: false });
}
