import { type CloseReason, TransportError } from "../../../mod.ts";
import { onAbort } from "../../waits/on_abort.ts";
import { MAX_DELAY } from "../../check.ts";
import { tell } from "../../user_callback.ts";
import { bounded, type Bounds } from "../_bounded.ts";
import { type RaceResult, raceToConnect } from "./_connect_race.ts";
import { Endpoints, leaving, type Place } from "./_endpoints.ts";
import { GOING_AWAY } from "../_flow.ts";
import { drainWithin, endedHere, type Member, retire, Slot } from "./_slot.ts";
import type { RpcClient } from "../client/client.ts";
import { RpcError } from "../errors.ts";
import type { RpcId } from "../message.ts";
import {
  checkPoolConfig,
  type PoolObserver,
  type PoolSettings,
  type RpcPoolConfig,
} from "./pool_options.ts";

/** The least time, in milliseconds, between checks for stale endpoints and uneven slots. */
const LOOK_INTERVAL = 1000;

/** Where a call goes, and how long it may wait for a connection. */
export interface Wanted {
  readonly key: RpcId | undefined;
  /** The endpoints where it has failed: their other connections may be dead too, unnoticed. */
  readonly failedAt: ReadonlySet<Place<unknown>> | undefined;
  /** The endpoint it went to; set when it goes. */
  at: Place<unknown> | undefined;
  /** Called only if it has to wait. */
  bounds(): Pick<Bounds<unknown>, "signals" | "timeout" | "timedOut">;
}

/** The connections of a pool: makes them, spreads them, and ends them. */
export class Slots<Request, Response, Endpoint> {
  readonly settings: PoolSettings<Endpoint>;
  readonly #config: RpcPoolConfig<Request, Response, Endpoint>;
  readonly #observer: PoolObserver<Endpoint>;
  readonly #slots: Slot<Request, Response, Endpoint>[];
  readonly #endpoints: Endpoints<Endpoint>;
  /** Ends everything pending when the pool closes. */
  readonly #stop = new AbortController();
  /** All connections that have not ended. */
  readonly #members = new Set<Member<Request, Response, Endpoint>>();
  /** How many calls are waiting for a connection. */
  #waiting = 0;
  #onNobodyWaits: (() => void) | undefined;
  #lookAt = -Infinity;
  /** Whether a slot is being moved to another endpoint. */
  #moving = false;
  /** Whether connections that go away are no longer replaced. */
  #ending = false;
  #sweepTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(config: RpcPoolConfig<Request, Response, Endpoint>) {
    const settings = this.settings = checkPoolConfig(config);
    this.#config = config;
    this.#observer = config.observer ?? {};
    this.#slots = Array.from({ length: settings.slots }, () => new Slot());
    this.#endpoints = new Endpoints(config.endpoints, {
      ...settings,
      ttl: settings.endpointsTtl,
      timeout: settings.connectTimeout,
      onError: (error) => this.#tell((observer) => observer.onEndpointsFailed?.(error)),
      signal: this.#stop.signal,
    });
  }

  get connected(): number {
    return this.#slots.reduce((count, { live }) => live ? count + 1 : count, 0);
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
    const slot = this.#choose(wanted);
    const member = slot.live;
    if (!member) return this.#useWhenConnected(slot, wanted, use);
    member.used = true;
    wanted.at = member.place;
    return use(member.client);
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
  }

  async #useWhenConnected<T>(
    slot: Slot<Request, Response, Endpoint>,
    wanted: Wanted,
    use: (client: RpcClient<Request, Response>) => T,
  ): Promise<T> {
    slot.waiting++;
    this.#waiting++;
    try {
      const result = await bounded(() => slot.connecting ?? this.#connect(slot), wanted.bounds());
      if (this.#stop.signal.aborted) throw poolClosed();
      // Any connection is better than none, even for a call with a key.
      const member = result.kind === "connected"
        ? result.connection
        : this.#leastBusyLive()?.member;
      if (!member) throw this.#unavailable((result as { error?: unknown }).error);
      member.used = true;
      wanted.at = member.place;
      // Use the client before the count drops, so that a drain cannot close it in between.
      return use(member.client);
    } finally {
      slot.waiting--;
      if (--this.#waiting === 0) this.#onNobodyWaits?.();
    }
  }

  /**
   * Chooses the slot for a call: one without a connection only if no slot has one, if the
   * key selects it, or if the call has failed at every connected endpoint.
   */
  #choose({ key, failedAt }: Wanted): Slot<Request, Response, Endpoint> {
    const now = performance.now();
    if (now >= this.#lookAt) this.#look(now);
    if (key !== undefined) return this.#slotOf(key);
    const slot = this.#lessBusyOfTwo();
    if (slot.live && !failedAt?.has(slot.live.place)) return slot;
    const other = this.#leastBusyLive(failedAt) ?? (failedAt && this.#connectElsewhere(failedAt));
    // While there is a connection, use it, and connect the other slot in the background.
    if (other && !slot.live && !slot.connecting && this.#endpoints.choose(now)) this.#connect(slot);
    return other ?? (slot.live ? slot : this.#leastBusyLive() ?? slot);
  }

  /** Finds a slot that connects to an endpoint where the call has not failed. */
  #connectElsewhere(
    failedAt: ReadonlySet<Place<unknown>>,
  ): Slot<Request, Response, Endpoint> | undefined {
    const slot = this.#slots.find(({ live }) => !live);
    const target = slot && this.#endpoints.choose(performance.now(), failedAt);
    if (!target) return undefined;
    if (!slot.connecting) this.#connect(slot, target);
    return slot;
  }

  #slotOf(key: RpcId): Slot<Request, Response, Endpoint> {
    const { length } = this.#slots;
    return this.#slots[typeof key === "number" ? key % length : Number(key % BigInt(length))]!;
  }

  #lessBusyOfTwo(): Slot<Request, Response, Endpoint> {
    const { length } = this.#slots;
    const first = Math.floor(this.settings.random() * length);
    if (length === 1) return this.#slots[first]!;
    const distance = 1 + Math.floor(this.settings.random() * (length - 1));
    const a = this.#slots[first]!;
    const b = this.#slots[(first + distance) % length]!;
    return b.load < a.load ? b : a;
  }

  #leastBusyLive(
    except?: ReadonlySet<Place<unknown>>,
  ): Slot<Request, Response, Endpoint> | undefined {
    let best: Slot<Request, Response, Endpoint> | undefined;
    for (const slot of this.#slots) {
      if (!slot.live || except?.has(slot.live.place)) continue;
      if (!best || slot.load < best.load) best = slot;
    }
    return best;
  }

  /** Periodic upkeep: renews endpoints and balances slots. */
  #look(now: number): void {
    this.#lookAt = now + LOOK_INTERVAL;
    this.#endpoints.forgive();
    this.#endpoints.renew(now);
    this.#spread(now);
  }

  /** Moves a slot to an endpoint that has at least two slots fewer, such as one that recovered. */
  #spread(now: number): void {
    const target = this.#moving ? undefined : this.#endpoints.choose(now);
    if (!target) return;
    const [fullest] = this.#slots
      .filter(({ live, connecting }) =>
        live && !connecting && live.place.load - target.load >= 2 &&
        this.#endpoints.list.includes(live.place)
      )
      .sort((a, b) => b.live!.place.load - a.live!.place.load || a.load - b.load);
    if (!fullest) return;
    this.#moving = true;
    this.#connect(fullest, target).then(() => this.#moving = false);
  }

  /** Connects a slot; `target` is tried first, and is the only one tried if the slot is live. */
  #connect(
    slot: Slot<Request, Response, Endpoint>,
    target?: Place<Endpoint>,
  ): Promise<RaceResult<Member<Request, Response, Endpoint>>> {
    const { signal } = this.#stop;
    return slot.connecting = raceToConnect<Place<Endpoint>, Member<Request, Response, Endpoint>>({
      next: (tried) => {
        if (target && !tried.has(target)) return target;
        return slot.live ? undefined : this.#endpoints.choose(performance.now(), tried);
      },
      renewed: () => slot.live ? undefined : this.#endpoints.renew(performance.now()),
      connect: (place, signal) => this.#dial(place, signal),
      discard: (member) => this.#discard(member),
      signal,
    }).then((result) => {
      slot.connecting = undefined;
      if (result.kind === "failed") return result;
      if (!signal.aborted) this.#install(slot, result.connection);
      else this.#discard(result.connection);
      return result;
    });
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
      if (typeof client?.unary !== "function") throw new TypeError("connect made no RpcClient");
      if (!client.isAlive) throw endedAtOnce();
      const since = performance.now();
      place.rest.succeeded(since);
      return { client, place, since, counted: true, retired: false, used: true, quiet: false };
    } catch (error) {
      place.load--;
      if (!signal.aborted) this.#onFailed(place, error, began);
      throw error;
    }
  }

  #install(
    slot: Slot<Request, Response, Endpoint>,
    member: Member<Request, Response, Endpoint>,
  ): void {
    const { live } = slot;
    slot.member = member;
    this.#members.add(member);
    if (live) {
      retire(live);
      live.client.drain({ timeout: MAX_DELAY });
    }
    const { goingAway, closed } = member.client;
    const heard = onAbort(goingAway, () => {
      if (goingAway.reason.message === GOING_AWAY) this.#onGoingAway(slot, member);
    });
    closed.then((reason) => {
      heard();
      this.#onEnded(slot, member, reason);
    });
    this.#tell((observer) => observer.onConnected?.(member.place.endpoint));
    this.#sweepLater();
  }

  /** Disposes of a connection that no slot needs. */
  #discard(member: Member<Request, Response, Endpoint>): void {
    retire(member);
    member.client.abort("It is not needed");
  }

  #onFailed(place: Place<Endpoint>, error: unknown, began: number): void {
    const now = performance.now();
    place.rest.failed(error, began, now);
    this.#endpoints.doubt();
    this.#endpoints.renew(now);
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
    this.#endpoints.left(place, now);
    this.#tell((observer) => observer.onGoingAway?.(place.endpoint));
    // Or it would be connected to again and again.
    if (now - since < this.settings.rests.initial) this.#onFailed(place, leaving(), since);
    if (!this.#ending && !slot.connecting) this.#connect(slot);
  }

  #onEnded(
    slot: Slot<Request, Response, Endpoint>,
    member: Member<Request, Response, Endpoint>,
    reason: CloseReason,
  ): void {
    const { place, since } = member;
    this.#members.delete(member);
    if (this.#members.size === 0) this.#sweepNoMore();
    if (slot.member === member) slot.member = undefined;
    const ours = member.retired || endedHere(reason) || this.#stop.signal.aborted;
    retire(member);
    this.#tell((observer) => observer.onDisconnected?.(place.endpoint, reason));
    if (ours || performance.now() - since >= this.settings.rests.initial) return;
    this.#onFailed(place, reason.kind === "error" ? reason.error : endedAtOnce(), since);
  }

  #sweepLater(): void {
    const { idleTimeout } = this.settings;
    if (idleTimeout === undefined) return;
    this.#sweepTimer ??= setTimeout(() => this.#sweep(), idleTimeout);
  }

  #sweepNoMore(): void {
    clearTimeout(this.#sweepTimer);
    this.#sweepTimer = undefined;
  }

  /** Closes connections that have had no call since the previous sweep. */
  #sweep(): void {
    for (const slot of this.#slots) {
      const { live } = slot;
      if (!live) continue;
      const busy = live.used || live.client.inFlight > 0;
      live.used = false;
      if (!busy && live.quiet) {
        slot.member = undefined;
        retire(live);
        live.client.close();
      }
      live.quiet = !busy;
    }
    this.#sweepTimer = undefined;
    this.#sweepLater();
  }

  #unavailable(error: unknown): RpcError {
    const cause = error ?? this.#endpoints.error;
    const why = cause instanceof Error ? cause.message : String(cause);
    const wait = Math.max(0, Math.ceil(this.#endpoints.nextAt - performance.now()));
    const message = `No connection, and no endpoint to try for ${wait} ms. The last try: ${why}`;
    return new RpcError("unavailable", message, { cause, sent: false });
  }

  #tell(what: (observer: PoolObserver<Endpoint>) => unknown): void {
    tell(what, this.#observer);
  }
}

/** The error for a call on a pool that is closed or draining. */
export function poolClosed(): RpcError {
  return new RpcError("connection-closed", "Cannot call: the pool is closed", { sent: false });
}

function endedAtOnce(): TransportError {
  return new TransportError("reset", "The connection ended as soon as it was made");
}
