import type { Choices } from "./_choice.ts";
import type { RaceResult } from "./_connect_race.ts";
import type { Place } from "./endpoints/_place.ts";
import { closeIfQuiet } from "./_idle_sweep.ts";
import { leave } from "./_member.ts";
import type { PoolSettings } from "./_settings.ts";
import { Slot } from "./_slot.ts";

/** How long there may be too many slots, and how long those for keys may be unused. */
const SURPLUS = 10_000;
const EXTRA_IDLE = 60_000;
/** One in so many slots is moved at once. */
const MOVED_AT_ONCE = 10;
/** The most slots. */
const MOST_SLOTS = 65536;

/** What is spread: a pool's slots, over its endpoints. */
export interface Spreads<Request, Response, Endpoint>
  extends Pick<Choices<Request, Response, Endpoint>, "endpoints" | "extras"> {
  readonly settings: Pick<
    PoolSettings<Endpoint>,
    "slots" | "connectionsPerEndpoint" | "zone" | "maxZoneInFlight"
  >;
  readonly slots: Slot<Request, Response, Endpoint>[];
  connect(
    slot: Slot<Request, Response, Endpoint>,
    next: (tried: ReadonlySet<Place<Endpoint>>) => Place<Endpoint> | undefined,
  ): Promise<RaceResult<unknown>>;
}

/** Keeps as many slots as the endpoints need, each endpoint as many as the others. */
export class Spread<Request, Response, Endpoint> {
  readonly #of: Spreads<Request, Response, Endpoint>;
  /** When slots that are for keys are looked at next. */
  #sweepAt = -Infinity;
  /** Since when there have been more slots than are wanted. */
  #surplusSince: number | undefined;
  /** How many slots are being moved to other endpoints. */
  #moving = 0;

  constructor(of: Spreads<Request, Response, Endpoint>) {
    this.#of = of;
  }

  /** Makes slots for all endpoints that are wanted, and leaves those that are no longer found. */
  resize(now: number): void {
    const { settings: { slots: least, connectionsPerEndpoint }, endpoints, slots } = this.#of;
    const wanted = connectionsPerEndpoint * endpoints.wanted.length;
    const size = Math.min(MOST_SLOTS, Math.max(least, wanted));
    while (slots.length < size) slots.push(new Slot());
    for (const slot of [...slots, ...this.#of.extras]) {
      if (slot.live && !slot.connecting && !slot.live.place.listed) this.#vacate(slot, size, now);
    }
    if (slots.length === size) return void (this.#surplusSince = undefined);
    this.#surplusSince ??= now;
    if (now - this.#surplusSince >= SURPLUS) this.#shrink(size);
  }

  /** Leaves an endpoint that is no longer found, for another one if the slot is needed. */
  #vacate(slot: Slot<Request, Response, Endpoint>, size: number, now: number): void {
    const at = this.#of.slots.indexOf(slot);
    const target = at >= 0 && this.#of.slots.length <= size && this.#of.endpoints.emptiest(now);
    if (target) return void this.#of.connect(slot, once(target));
    // Better a connection to where nobody should be than none.
    if (!this.#of.slots.some(({ live }) => live?.place.listed)) return;
    if (at >= 0 && this.#of.slots.length > size) this.#of.slots.splice(at, 1);
    leave(slot.live!);
    slot.member = undefined;
  }

  /** Gives up slots that are no longer wanted: those without a connection, and the least needed. */
  #shrink(size: number): void {
    const surplus = this.#of.slots
      .filter(({ connecting }) => !connecting)
      .sort((a, b) => need(a) - need(b))
      .slice(0, this.#of.slots.length - size);
    for (const slot of surplus) {
      this.#of.slots.splice(this.#of.slots.indexOf(slot), 1);
      if (slot.live) leave(slot.live);
    }
  }

  /** Tells the endpoints how busy those of the own zone are. */
  measure(): void {
    const { settings: { zone, maxZoneInFlight }, endpoints, slots, extras } = this.#of;
    if (maxZoneInFlight === undefined) return;
    let calls = 0;
    let connections = 0;
    for (const { live } of [...slots, ...extras]) {
      if (live?.place.zone !== zone) continue;
      connections++;
      calls += live!.client.inFlight;
    }
    if (connections > 0) endpoints.judge(calls / connections / maxZoneInFlight);
  }

  /** Moves slots to endpoints that have at least two slots fewer, such as those that recovered. */
  balance(now: number): void {
    if (now >= this.#sweepAt) {
      this.#sweepAt = now + EXTRA_IDLE;
      for (const slot of this.#of.extras) closeIfQuiet(slot);
    }
    const most = Math.ceil(this.#of.slots.length / MOVED_AT_ONCE);
    while (this.#moving < most) {
      const target = this.#of.endpoints.emptiest(now);
      if (!target) return;
      let fullest: Slot<Request, Response, Endpoint> | undefined;
      let surplus = 1;
      for (const slot of this.#of.slots) {
        const { live } = slot;
        if (!live || slot.connecting || !live.place.listed) continue;
        const more = live.place.load + (live.place.wanted ? 0 : 1) - target.load;
        if (more < surplus || more === 1 && live.place.wanted) continue;
        if (more === surplus && fullest && slot.load >= fullest.load) continue;
        [fullest, surplus] = [slot, more];
      }
      if (!fullest) return;
      this.#moving++;
      this.#of.connect(fullest, once(target)).then(() => this.#moving--);
    }
  }
}

/** Gives a place once, for a race. */
function once<T>(place: T): (tried: ReadonlySet<T>) => T | undefined {
  return (tried) => tried.has(place) ? undefined : place;
}

/** How much a slot is needed: those without a connection least, then those of full endpoints. */
function need<Request, Response, Endpoint>(
  { live, load, waiting }: Slot<Request, Response, Endpoint>,
): number {
  if (!live) return waiting;
  return 1e6 * (live.place.wanted ? 2 : 1) - 1000 * live.place.load + load;
}
