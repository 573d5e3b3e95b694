import type { Bounds } from "../../waits/bounded.ts";
import type { RpcId } from "../message.ts";
import type { Endpoints } from "./endpoints/_endpoints.ts";
import { isGood, type Place } from "./endpoints/_place.ts";
import { bestOf, hashOf } from "./endpoints/_rendezvous.ts";
import type { PoolSettings } from "./_settings.ts";
import { Slot } from "./_slot.ts";

/** Where a call is to go. */
export interface Whereto {
  readonly key: RpcId | string | undefined;
  /** The endpoints where it has failed: their other connections may be dead too, unnoticed. */
  readonly failedAt: ReadonlySet<Place<unknown>> | undefined;
}

/** Where a call goes, and how long it may wait for a connection. */
export interface Wanted extends Whereto {
  /** The endpoint it went to; set when it goes. */
  at: Place<unknown> | undefined;
  /** Whether it waits until there is a connection, if none can be made. */
  readonly waitForReady: boolean;
  /** Called only if it has to wait. */
  bounds(): Pick<Bounds<unknown>, "signals" | "timeout" | "timedOut">;
}

/** The slots that calls are spread over, and how one is connected. */
export interface Choices<Request, Response, Endpoint> {
  readonly settings: Pick<PoolSettings<Endpoint>, "random" | "hashBalanceFactor">;
  readonly endpoints: Endpoints<Endpoint>;
  readonly slots: readonly Slot<Request, Response, Endpoint>[];
  /** Those for keys whose endpoints have no other slot. */
  readonly extras: Slot<Request, Response, Endpoint>[];
  /** Connects a slot to the places that `next` gives, or to any. */
  connect(
    slot: Slot<Request, Response, Endpoint>,
    next?: (tried: ReadonlySet<Place<Endpoint>>) => Place<Endpoint> | undefined,
  ): void;
}

/** Chooses the slot for a call. */
export class Choice<Request, Response, Endpoint> {
  /** Whether connections have come or gone, or their weights have changed. */
  stale = true;
  readonly #of: Choices<Request, Response, Endpoint>;
  /** The slots that were connected to each place, and may still be. */
  readonly #at = new Map<Place<Endpoint>, Set<Slot<Request, Response, Endpoint>>>();
  /** Running sums of the slots' weights; `undefined` if all weigh the same. */
  #sums: number[] | undefined;

  constructor(of: Choices<Request, Response, Endpoint>) {
    this.#of = of;
  }

  /** A slot is being connected to a place. */
  dialled(slot: Slot<Request, Response, Endpoint>, place: Place<Endpoint>): void {
    const there = this.#at.get(place);
    if (there) there.add(slot);
    else this.#at.set(place, new Set([slot]));
  }

  /**
   * Chooses the slot for a call: one without a connection only if no slot has one, if the
   * key selects it, or if the call has failed at every connected endpoint.
   */
  choose({ key, failedAt }: Whereto, now: number): Slot<Request, Response, Endpoint> {
    const { endpoints, slots } = this.#of;
    if (this.stale) this.#weigh();
    if (typeof key === "string") return this.#ofText(key, failedAt, now);
    if (key !== undefined) {
      return slots[
        typeof key === "number" ? key % slots.length : Number(key % BigInt(slots.length))
      ]!;
    }
    const [slot, second] = this.#lessBusyOfTwo();
    if (slot.live && !failedAt?.has(slot.live.place)) return slot;
    const other = second.live && second.weight > 0 && !failedAt
      ? second
      : this.leastBusyLive(failedAt) ?? (failedAt && this.#connectElsewhere(failedAt, now));
    // While there is a connection, use it, and connect the other slot in the background.
    if (other && !slot.live && !slot.connecting && endpoints.choose(now)) this.#of.connect(slot);
    return other ?? (slot.live ? slot : this.leastBusyLive() ?? slot);
  }

  /** The least busy of the connected slots, those first that calls are spread over. */
  leastBusyLive(
    except?: ReadonlySet<Place<unknown>>,
  ): Slot<Request, Response, Endpoint> | undefined {
    let best: Slot<Request, Response, Endpoint> | undefined;
    let bestGood = false;
    for (const slots of [this.#of.slots, this.#of.extras]) {
      for (const slot of slots) {
        if (!slot.live || except?.has(slot.live.place)) continue;
        const good = slot.live.place.share > 0;
        if (best && (good === bestGood ? slot.load >= best.load : bestGood)) continue;
        [best, bestGood] = [slot, good];
      }
    }
    return best;
  }

  /** Finds a slot that connects to an endpoint where the call has not failed. */
  #connectElsewhere(
    failedAt: ReadonlySet<Place<unknown>>,
    now: number,
  ): Slot<Request, Response, Endpoint> | undefined {
    const slot = this.#of.slots.find(({ live }) => !live);
    const target = slot && this.#of.endpoints.choose(now, failedAt);
    if (!target) return undefined;
    if (!slot.connecting) {
      this.#of.connect(slot, (tried) => tried.has(target) ? this.#any(tried) : target);
    }
    return slot;
  }

  #any(tried: ReadonlySet<Place<Endpoint>>): Place<Endpoint> | undefined {
    return this.#of.endpoints.choose(performance.now(), tried);
  }

  /** Works out the slots' weights: the connections of an endpoint divide what is its. */
  #weigh(): void {
    this.stale = false;
    const { slots } = this.#of;
    for (const place of this.#at.keys()) if (!place.listed) this.#at.delete(place);
    let most = 0;
    for (const slot of slots) {
      const place = slot.live?.place;
      slot.weight = place ? place.share / Math.max(1, place.load) : -1;
      most = Math.max(most, slot.weight);
    }
    let sum = 0;
    let same = true;
    const sums = slots.map((slot) => {
      // Without a connection it is as likely as any, so that it gets one.
      if (slot.weight < 0 || most === 0) slot.weight = most || 1;
      same &&= slot.weight === most || most === 0;
      return sum += slot.weight;
    });
    this.#sums = same ? undefined : sums;
  }

  #lessBusyOfTwo(): [Slot<Request, Response, Endpoint>, Slot<Request, Response, Endpoint>] {
    const { slots, settings } = this.#of;
    const { length } = slots;
    const first = this.#draw();
    const a = slots[first]!;
    if (length === 1) return [a, a];
    let second: number;
    if (this.#sums) {
      second = this.#draw();
      if (second === first) second = (first + 1) % length;
    } else {
      second = (first + 1 + Math.floor(settings.random() * (length - 1))) % length;
    }
    const b = slots[second]!;
    return b.load * a.weight < a.load * b.weight ? [b, a] : [a, b];
  }

  #draw(): number {
    const { random } = this.#of.settings;
    const sums = this.#sums;
    if (!sums) return Math.floor(random() * this.#of.slots.length);
    const at = random() * sums.at(-1)!;
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The slot of a text key's endpoint, or of the next one if that cannot be used. */
  #ofText(
    key: string,
    failedAt: ReadonlySet<Place<unknown>> | undefined,
    now: number,
  ): Slot<Request, Response, Endpoint> {
    const text = hashOf(key);
    const { endpoints: { list }, slots } = this.#of;
    const mayTake = this.#bound(now);
    const passed = new Set<Place<Endpoint>>();
    const unfit = (place: Place<Endpoint>) =>
      passed.has(place) || !!failedAt?.has(place) || !isGood(place, now) ||
      now < place.rest.until && place.load === 0;
    let connecting: Slot<Request, Response, Endpoint> | undefined;
    for (;;) {
      const place = bestOf(list, text, unfit);
      if (!place) break;
      passed.add(place);
      if (!mayTake(place)) continue;
      const there = this.#slotAt(place);
      if (there?.live) return there;
      const slot = there ?? this.#free(place);
      // One that may be away is tried beside the call, which goes to the next.
      const { unsure } = place;
      if (!there) {
        this.#of.connect(slot, (tried) => {
          if (!tried.has(place)) return place;
          if (unsure) return undefined;
          const now = performance.now();
          return bestOf(
            list,
            text,
            (other) => tried.has(other) || now < other.rest.until || !isGood(other, now),
          );
        });
      }
      if (!unsure) return slot;
      connecting ??= slot;
    }
    return this.leastBusyLive(failedAt) ?? this.leastBusyLive() ?? connecting ?? slots[0]!;
  }

  /** Whether a place may take one more call with a text key. */
  #bound(now: number): (place: Place<Endpoint>) => boolean {
    const { settings: { hashBalanceFactor }, endpoints: { list } } = this.#of;
    if (hashBalanceFactor === 0) return () => true;
    const busy = new Map<Place<Endpoint>, number>();
    let calls = 1;
    for (const { live } of this.#all()) {
      if (!live) continue;
      const { inFlight } = live.client;
      busy.set(live.place, (busy.get(live.place) ?? 0) + inFlight);
      calls += inFlight;
    }
    let weights = 0;
    for (const place of list) if (isGood(place, now)) weights += place.weight;
    return (place) => {
      const most = Math.ceil(hashBalanceFactor / 100 * calls * place.weight / weights);
      return (busy.get(place) ?? 0) < most;
    };
  }

  /** The least busy slot that is connected to a place, or one that connects to it. */
  #slotAt(place: Place<Endpoint>): Slot<Request, Response, Endpoint> | undefined {
    let best: Slot<Request, Response, Endpoint> | undefined;
    const there = this.#at.get(place);
    if (!there) return undefined;
    for (const slot of there) {
      const { live } = slot;
      if (live ? live.place !== place : !slot.connecting || slot.target !== place) {
        if (!slot.connecting) there.delete(slot);
        continue;
      }
      if (!best || (live ? !best.live || slot.load < best.load : false)) best = slot;
    }
    return best;
  }

  /** A slot without a connection, beside the pool's own if the endpoint is not wanted. */
  #free({ wanted }: Place<Endpoint>): Slot<Request, Response, Endpoint> {
    const { slots, extras } = this.#of;
    for (const some of wanted ? [slots, extras] : [extras]) {
      for (const slot of some) if (!slot.live && !slot.connecting) return slot;
    }
    const slot = new Slot<Request, Response, Endpoint>(true);
    extras.push(slot);
    return slot;
  }

  *#all(): Generator<Slot<Request, Response, Endpoint>> {
    yield* this.#of.slots;
    yield* this.#of.extras;
  }
}
