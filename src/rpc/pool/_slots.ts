import { type CloseReason, TransportError } from "../../../mod.ts";
import { onAbort } from "../../waits/on_abort.ts";
import { isMistake, MAX_DELAY } from "../../check.ts";
import { tell } from "../../user_callback.ts";
import { bounded } from "../../waits/bounded.ts";
import { NextTry } from "./calls/_next_try.ts";
import type { AttemptsOf } from "./calls/_attempts.ts";
import { RetryBudget } from "./calls/_retry_budget.ts";
import { Choice, type Wanted, type Whereto } from "./_choice.ts";
import { type RaceResult, Races, raceToConnect } from "./_connect_race.ts";
import { Endpoints } from "./endpoints/_endpoints.ts";
import type { Place } from "./endpoints/_place.ts";
import { endedAtOnce, leaving, poolClosed, tooMany, unavailable } from "./_errors.ts";
import { GOING_AWAY } from "../_flow.ts";
import { Outliers } from "./endpoints/_outliers.ts";
import { IdleSweep } from "./_idle_sweep.ts";
import {
  checkClient,
  drainWithin,
  endedHere,
  leave,
  type Member,
  retire,
  uncount,
} from "./_member.ts";
import { Slot } from "./_slot.ts";
import type { RpcClient } from "../client/client.ts";
import type { PoolObserver, RpcPoolConfig } from "./pool_options.ts";
import { checkPoolConfig, type PoolSettings } from "./_settings.ts";
import { Spread } from "./_spread.ts";

/** The least time, in milliseconds, between checks for stale endpoints and uneven slots. */
const LOOK_INTERVAL = 1000;

/** The connections of a pool: makes them, spreads them, and ends them. */
export class Slots<Request, Response, Endpoint> implements AttemptsOf {
  readonly settings: PoolSettings<Endpoint>;
  readonly endpoints: Endpoints<Endpoint>;
  readonly slots: Slot<Request, Response, Endpoint>[];
  readonly extras: Slot<Request, Response, Endpoint>[] = [];
  readonly budget: RetryBudget | undefined;
  readonly #config: RpcPoolConfig<Request, Response, Endpoint>;
  readonly #observer: PoolObserver<Endpoint>;
  readonly #choice: Choice<Request, Response, Endpoint>;
  readonly #spread: Spread<Request, Response, Endpoint>;
  readonly #outliers: Outliers<Place<Endpoint>>;
  /** Ends everything pending when the pool closes. */
  readonly #stop = new AbortController();
  /** All connections that have not ended. */
  readonly #members = new Set<Member<Request, Response, Endpoint>>();
  readonly #races = new Races<Member<Request, Response, Endpoint>>();
  readonly #idle: IdleSweep<Request, Response, Endpoint>;
  /** How many calls are waiting for a connection. */
  #waiting = 0;
  #onNobodyWaits: (() => void) | undefined;
  /** What calls wait for that wait until a connection can be made. */
  readonly #nextTry = new NextTry();
  #lookAt = -Infinity;
  /** Whether connections that go away are no longer replaced. */
  #ending = false;

  constructor(config: RpcPoolConfig<Request, Response, Endpoint>) {
    const settings = this.settings = checkPoolConfig(config);
    this.#config = config;
    this.#observer = config.observer ?? {};
    this.slots = Array.from({ length: settings.slots }, () => new Slot());
    this.endpoints = new Endpoints(config.endpoints, {
      ...settings,
      ttl: settings.endpointsTtl,
      timeout: settings.connectTimeout,
      onError: (error) => this.#tell((observer) => observer.onEndpointsFailed?.(error)),
      signal: this.#stop.signal,
    });
    this.budget = settings.retryBudget && new RetryBudget(settings.retryBudget);
    this.#choice = new Choice(this);
    this.#spread = new Spread(this);
    this.#outliers = new Outliers(settings.outliers, (place, ms) => {
      place.since = place.health.ejectedUntil;
      this.endpoints.stale = true;
      this.#tell((observer) => observer.onEjected?.(place.endpoint, ms));
    });
    this.#idle = new IdleSweep(settings.idleTimeout, () => this.slots);
    this.#weigh(performance.now());
  }

  get size(): number {
    return this.slots.length;
  }

  get connected(): number {
    return [...this.slots, ...this.extras].filter(({ live }) => live).length;
  }

  get inFlight(): number {
    let sum = 0;
    for (const { client } of this.#members) sum += client.inFlight;
    return sum;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Calls `use` with a client: at once if one is connected, otherwise when one is. */
  use<T>(wanted: Wanted, use: (client: RpcClient<Request, Response>) => T): T | Promise<T> {
    wanted.at = undefined;
    const slot = this.#choose(wanted);
    const member = slot.live;
    if (!member) return this.#useWhenConnected(slot, wanted, use);
    return go(member, wanted, use);
  }

  /** A call to a place has ended. */
  ended(place: Place<Endpoint>, how: "succeeded" | "refused" | "failed"): void {
    if (how === "failed") this.#outliers.failed(place, this.endpoints.list, performance.now());
    else this.#outliers[how](place);
  }

  /** A call is made again, as it failed with this error. */
  retrying(error: unknown): void {
    this.#tell((observer) => observer.onRetry?.(error));
  }

  /** Lets waiting calls and calls in flight finish within `timeout`, then does as {@linkcode close}. */
  async drain(timeout: number): Promise<void> {
    this.#ending = true;
    const end = performance.now() + timeout;
    if (this.#waiting > 0) {
      const nobody = new Promise<void>((resolve) => this.#onNobodyWaits = resolve);
      await bounded(() => nobody, { signals: [this.#stop.signal], timeout }).catch(() => {});
    }
    this.#end();
    const left = Math.max(0, end - performance.now());
    await Promise.all([...this.#members].map(({ client }) => drainWithin(client, left)));
  }

  /** Closes everything in order. */
  async close(): Promise<void> {
    this.#end();
    await Promise.all([...this.#members].map(({ client }) => client.close()));
  }

  #end(): void {
    this.#ending = true;
    this.#stop.abort(poolClosed());
    this.#nextTry.now();
  }

  async #useWhenConnected<T>(
    slot: Slot<Request, Response, Endpoint>,
    wanted: Wanted,
    use: (client: RpcClient<Request, Response>) => T,
  ): Promise<T> {
    const { maxWaitingCalls } = this.settings;
    if (this.#waiting >= maxWaitingCalls) throw tooMany(maxWaitingCalls);
    this.#waiting++;
    try {
      if (typeof wanted.key === "string" && this.endpoints.list.length === 0) {
        const found = this.endpoints.renew(performance.now());
        if (found) await bounded(() => found, wanted.bounds());
        slot = this.#choose(wanted);
      }
      for (;;) {
        const member = slot.live ?? await this.#connected(slot, wanted);
        // Use the client before the count drops, so that a drain cannot close it in between.
        if (member) return go(member, wanted, use);
        await bounded(() => this.#nextTry.wait(this.endpoints.nextAt), wanted.bounds());
        if (this.#stop.signal.aborted) throw poolClosed();
        slot = this.#choose(wanted);
      }
    } finally {
      if (--this.#waiting === 0) {
        this.#nextTry.now();
        this.#onNobodyWaits?.();
      }
    }
  }

  /** A connection for a call; `undefined` if it should wait until one can be made. */
  async #connected(
    slot: Slot<Request, Response, Endpoint>,
    wanted: Wanted,
  ): Promise<Member<Request, Response, Endpoint> | undefined> {
    slot.waiting++;
    try {
      let race = () => slot.connecting ?? this.connect(slot);
      for (let own = true;; own = false) {
        const result = await bounded(race, wanted.bounds());
        if (this.#stop.signal.aborted) throw poolClosed();
        if (result.kind === "connected") return result.connection;
        // Any connection is better than none, even for a call with a key.
        const member = this.#choice.leastBusyLive()?.live;
        const waits = wanted.waitForReady && !isMistake(this.endpoints.causeOf(result.error));
        if (member || waits) return member;
        const other = own && this.#races.first;
        if (!other) throw unavailable(this.endpoints.causeOf(result.error), this.endpoints.nextAt);
        race = () => other;
      }
    } finally {
      slot.waiting--;
    }
  }

  #choose(wanted: Whereto): Slot<Request, Response, Endpoint> {
    const now = performance.now();
    if (now >= this.#lookAt) this.#look(now);
    if (this.endpoints.stale) this.#weigh(now);
    return this.#choice.choose(wanted, now);
  }

  /** Periodic upkeep: renews endpoints, and balances slots. */
  #look(now: number): void {
    this.#lookAt = now + LOOK_INTERVAL;
    this.endpoints.forgive(now);
    this.endpoints.renew(now);
    this.#outliers.look(this.endpoints.list, now);
    this.#spread.measure();
    this.#weigh(now);
    this.#spread.balance(now);
  }

  /** Works out how calls are spread, and makes slots for all endpoints that are wanted. */
  #weigh(now: number): void {
    this.endpoints.weigh(now);
    this.#choice.stale = true;
    this.#spread.resize(now);
  }

  /**
   * Connects a slot: to the places that `next` gives, or to any. One that has a connection
   * keeps it until it has another.
   */
  connect(
    slot: Slot<Request, Response, Endpoint>,
    next?: (tried: ReadonlySet<Place<Endpoint>>) => Place<Endpoint> | undefined,
  ): Promise<RaceResult<Member<Request, Response, Endpoint>>> {
    const { signal } = this.#stop;
    slot.target = undefined;
    slot.connecting = raceToConnect<Place<Endpoint>, Member<Request, Response, Endpoint>>({
      next: (tried) => {
        const place = next?.(tried);
        if (place || next && slot.live) return place;
        return this.endpoints.choose(performance.now(), tried);
      },
      renewed: () => slot.live ? undefined : this.endpoints.renew(performance.now()),
      connect: (place, signal) => {
        slot.target ??= place;
        this.#choice.dialled(slot, place);
        return this.#dial(place, signal);
      },
      discard: (member) => this.#discard(member),
      signal,
    }).then((result) => {
      slot.connecting = undefined;
      if (result.kind === "failed") return result;
      if (!signal.aborted) this.#install(slot, result.connection);
      else this.#discard(result.connection);
      return result;
    });
    this.#races.add(slot.connecting);
    return slot.connecting;
  }

  async #dial(
    place: Place<Endpoint>,
    signal: AbortSignal,
  ): Promise<Member<Request, Response, Endpoint>> {
    const { connectTimeout } = this.settings;
    const began = performance.now();
    place.load++;
    try {
      const client = await bounded((signal) => this.#config.connect(place.endpoint, { signal }), {
        signals: [signal],
        timeout: connectTimeout,
        timedOut: () =>
          new TransportError(
            "timed-out",
            `Not connected within connectTimeout, ${connectTimeout} ms`,
          ),
        late: (client) => client?.abort?.("It came too late"),
      });
      checkClient(client);
      if (!client.isAlive) throw endedAtOnce();
      const since = performance.now();
      place.rest.succeeded(since);
      place.open++;
      return { client, place, since, counted: true, retired: false, used: true, quiet: false };
    } catch (error) {
      place.load--;
      // One that was slower than another may be away, too.
      place.unsure = true;
      if (!signal.aborted) this.#onFailed(place, error, began);
      throw error;
    }
  }

  #install(
    slot: Slot<Request, Response, Endpoint>,
    member: Member<Request, Response, Endpoint>,
  ): void {
    const { live } = slot;
    const { place } = member;
    const news = place.since === undefined || place.unsure;
    if (news) place.since = member.since;
    // One for a key that is not wanted changes nothing for other calls.
    if (news ? place.wanted : !slot.extra) this.endpoints.stale = true;
    place.unsure = false;
    slot.member = member;
    this.#members.add(member);
    if (live) leave(live);
    this.#nextTry.now();
    const { goingAway, closed } = member.client;
    const heard = onAbort(goingAway, () => {
      if (goingAway.reason.message === GOING_AWAY) this.#onGoingAway(slot, member);
      // It may take a while to end.
      else uncount(member);
    });
    closed.then((reason) => {
      heard();
      this.#onEnded(slot, member, reason);
    });
    this.#tell((observer) => observer.onConnected?.(place.endpoint));
    this.#idle.start();
  }

  /** Disposes of a connection that no slot needs. */
  #discard(member: Member<Request, Response, Endpoint>): void {
    retire(member);
    member.client.abort("It is not needed");
  }

  #onFailed(place: Place<Endpoint>, error: unknown, began: number): void {
    const now = performance.now();
    place.rest.failed(error, began, now);
    this.endpoints.doubt();
    this.endpoints.renew(now);
    const rest = Math.max(0, place.rest.until - now);
    this.#tell((observer) => observer.onConnectFailed?.(place.endpoint, error, rest));
  }

  /** The server takes no more calls on this connection: replaces it before it has ended. */
  #onGoingAway(
    slot: Slot<Request, Response, Endpoint>,
    member: Member<Request, Response, Endpoint>,
  ): void {
    const { client, place, since } = member;
    if (slot.member === member) slot.member = undefined;
    client.drain({ timeout: MAX_DELAY });
    if (member.retired) return;
    retire(member);
    const now = performance.now();
    this.endpoints.left(place, now);
    this.#tell((observer) => observer.onGoingAway?.(place.endpoint));
    // Or it would be connected to again and again.
    if (now - since < this.settings.rests.initial) this.#onFailed(place, leaving(), since);
    if (!this.#ending && !slot.connecting && this.slots.includes(slot)) this.connect(slot);
  }

  #onEnded(
    slot: Slot<Request, Response, Endpoint>,
    member: Member<Request, Response, Endpoint>,
    reason: CloseReason,
  ): void {
    const { place, since } = member;
    this.#members.delete(member);
    if (this.#members.size === 0) this.#idle.stop();
    if (slot.member === member) slot.member = undefined;
    if (!slot.extra || place.wanted) this.endpoints.stale = true;
    const ours = member.retired || endedHere(reason) || this.#stop.signal.aborted;
    retire(member);
    this.#tell((observer) => observer.onDisconnected?.(place.endpoint, reason));
    if (!ours && reason.kind === "error") {
      place.unsure = true;
      this.#outliers.lost(place, since, this.endpoints.list, performance.now());
    }
    if (ours || performance.now() - since >= this.settings.rests.initial) return;
    this.#onFailed(place, reason.kind === "error" ? reason.error : endedAtOnce(), since);
  }

  #tell(what: (observer: PoolObserver<Endpoint>) => unknown): void {
    tell(what, this.#observer);
  }
}

/** Makes a call on a connection. */
function go<Request, Response, T>(
  member: Member<Request, Response, unknown>,
  wanted: Wanted,
  use: (client: RpcClient<Request, Response>) => T,
): T {
  member.used = true;
  wanted.at = member.place;
  return use(member.client);
}
