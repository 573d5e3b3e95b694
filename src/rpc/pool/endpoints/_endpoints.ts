import { isMistake } from "../../../check.ts";
import type { Rest } from "./_backoff.ts";
import { Finding, type FindingOptions, type Resolve } from "./_finding.ts";
import { isGood, isUsable, newPlace, type Place, usableShare } from "./_place.ts";
import type { SubsetOptions } from "../pool_options.ts";
import { subsetOf } from "./_rendezvous.ts";
import { traitsOf } from "../_settings.ts";

/** For how many milliseconds other endpoints are preferred to one that is going away. */
const LEAVING = 1000;
/**
 * A level of endpoints (a priority, a zone) takes all calls while 1 in 1.4 of them can be used,
 * as in Envoy; with fewer, the next level takes what is missing.
 */
const OVERPROVISIONING = 1.4;
/** How much more of the calls stays in the own zone at each look, at most, as it has room again. */
const MORE_KEPT = 1.25;
/** The least part of the calls that stays there. */
const LEAST_KEPT = 0.01;
/** All calls stay from 1 on; connections to the next level are given up at this. */
const CALM = 2;
/** The part of its weight that slow start begins with. */
const SLOW_START = 0.1;

/** Endpoints that are as good as each other, of one priority, near or far. */
type Level<Endpoint> = readonly Place<Endpoint>[];

/** What {@linkcode Endpoints} needs besides a source. */
export interface EndpointsOptions<Endpoint> extends FindingOptions {
  readonly keyOf: (endpoint: Endpoint) => string;
  /** How many connections an endpoint may have. */
  readonly maxConnectionsPerEndpoint: number;
  readonly subset: SubsetOptions | undefined;
  readonly zone: string | undefined;
  readonly slowStartWindow: number;
}

/** The endpoints of a pool: a fixed list, or the last list that a function returned. */
export class Endpoints<Endpoint> {
  /** The endpoints that may be connected to. */
  list: readonly Place<Endpoint>[] = [];
  /** Those of them that the pool wants connections to: its subset, near and of high priority. */
  wanted: readonly Place<Endpoint>[] = [];
  /** Whether what calls are spread by may have changed. */
  stale = true;
  readonly #options: EndpointsOptions<Endpoint>;
  /** Finds them, unless the list is fixed. */
  readonly #finding: Finding<Endpoint> | undefined;
  /** Those in the list, and those no longer in it that still have a connection. */
  #known = new Map<string, Place<Endpoint>>();
  #forgivenAt = -Infinity;
  /** Made of the list when they are needed. */
  #levels: Level<Endpoint>[] | undefined;
  /** How busy the own zone is, lately, where 1 is all that it may be. */
  #busy = 0;
  /** The part of the calls that stays in the own zone; more than 1 if it has room. */
  #kept = CALM;
  /** What `wanted` was made of. */
  #wantedOf: { readonly levels: unknown; readonly count: number } | undefined;

  constructor(
    source: readonly Endpoint[] | Resolve<Endpoint>,
    options: EndpointsOptions<Endpoint>,
  ) {
    this.#options = options;
    if (typeof source === "function") {
      this.#finding = new Finding(source, options, (found) => this.#take(found));
    } else {
      this.#take(source);
    }
  }

  /**
   * Why nothing can be connected to, if the last try failed with `error`, or nothing could be tried.
   * What is wrong with one endpoint must not hide that another is away.
   */
  causeOf(error: unknown): unknown {
    if (error !== undefined && !isMistake(error)) return error;
    let last: Rest | undefined;
    for (const { rest } of this.list) {
      if (rest.error === undefined) continue;
      const isOurs = isMistake(rest.error);
      const wasOurs = isMistake(last?.error);
      if (!last || (isOurs === wasOurs ? rest.until > last.until : wasOurs)) last = rest;
    }
    return last?.error ?? this.#finding?.rest.error ?? error;
  }

  /** When the first of the resting endpoints may be tried again. */
  get nextAt(): number {
    // A list that is fixed has some.
    if (this.list.length === 0) return this.#finding!.rest.until;
    return Math.min(...this.list.map(({ rest }) => rest.until));
  }

  /**
   * A random one of those with the fewest slots that do not rest, if it may have one more. One
   * that is not wanted is chosen only if there is no other, and one that is going away, or
   * ejected, if there is none of these either.
   */
  choose(now: number, except?: ReadonlySet<Place<unknown>>): Place<Endpoint> | undefined {
    const { list, wanted } = this;
    return this.#choose(wanted, now, except, true) ??
      (wanted.length < list.length ? this.#choose(list, now, except, true) : undefined) ??
      this.#choose(list, now, except, false);
  }

  /** The wanted endpoint with the fewest slots, if it can be connected to. */
  emptiest(now: number): Place<Endpoint> | undefined {
    return this.#choose(this.wanted, now, undefined, true);
  }

  #choose(
    places: readonly Place<Endpoint>[],
    now: number,
    except: ReadonlySet<Place<unknown>> | undefined,
    good: boolean,
  ): Place<Endpoint> | undefined {
    let fewest = this.#options.maxConnectionsPerEndpoint - 1;
    let best: Place<Endpoint>[] = [];
    for (const place of places) {
      if (now < place.rest.until || isGood(place, now) !== good) continue;
      if (place.load > fewest || except?.has(place)) continue;
      if (place.load < fewest) best = [];
      fewest = place.load;
      best.push(place);
    }
    return best[Math.floor(this.#options.rests.random() * best.length)];
  }

  /** Works out which endpoints are wanted, and how calls are spread over them. */
  weigh(now: number): void {
    this.stale = false;
    for (const place of this.#known.values()) place.share = 0;
    let left = 1;
    const some: Level<Endpoint>[] = [];
    let spare = false;
    for (const level of this.#levels ??= this.#newLevels()) {
      const near = level[0]?.zone === this.#options.zone;
      const part = Math.min(
        left,
        OVERPROVISIONING * usableShare(level, now),
        near ? this.#kept : 1,
      );
      left -= part;
      // The first is wanted even if nothing there can be used: it will come back.
      if (part > 0 || some.length === 0 || spare) some.push(level);
      this.#share(level, this.#levels.length === 1 ? undefined : part, now);
      // Or connections would come and go with each call more or less.
      spare = near && this.#kept < CALM;
      if (left <= 0 && !spare) break;
    }
    if (this.#wantedOf?.levels === this.#levels && this.#wantedOf.count === some.length) return;
    this.#wantedOf = { levels: this.#levels, count: some.length };
    for (const place of this.#known.values()) place.wanted = false;
    this.wanted = this.#levels.length === 1 ? this.#levels[0]! : some.flat();
    for (const place of this.wanted) place.wanted = true;
  }

  /**
   * Decides how many of the calls stay in the own zone, at each look: by how many are in flight
   * there, compared with how many may be.
   */
  judge(load: number): void {
    this.#busy = (this.#busy + load) / 2;
    const change = Math.min(MORE_KEPT, Math.max(0.5, 1 / this.#busy));
    this.#kept = Math.min(CALM, Math.max(LEAST_KEPT, change * this.#kept));
  }

  /** The endpoints by priority and nearness, and of each level the subset. */
  #newLevels(): Level<Endpoint>[] {
    const { zone, subset } = this.#options;
    const levels = new Map<number, Place<Endpoint>[]>();
    for (const place of this.list) {
      const at = 2 * place.priority + (zone === undefined || zone === place.zone ? 0 : 1);
      const others = levels.get(at);
      if (others) others.push(place);
      else levels.set(at, [place]);
    }
    const sorted = [...levels].sort(([a], [b]) => a - b).map(([, places]) => places);
    if (subset) return sorted.map((places) => subsetOf(places, subset.size, subset.client));
    return sorted.length <= 1 ? [this.list] : sorted;
  }

  #share(places: Level<Endpoint>, part: number | undefined, now: number): void {
    let sum = 0;
    for (const place of places) {
      if (isUsable(place, now)) sum += place.share = place.weight * this.#warmth(place, now);
    }
    if (part === undefined) return;
    for (const place of places) place.share *= part / sum || 0;
  }

  /** How much of its weight an endpoint gets, being new or back. */
  #warmth({ since }: Place<Endpoint>, now: number): number {
    const { slowStartWindow } = this.#options;
    if (since === undefined || now - since >= slowStartWindow) return 1;
    return Math.max(SLOW_START, (now - since) / slowStartWindow);
  }

  /**
   * An endpoint has said that it is going away. If no other is left, those that rest may have
   * come back: servers are often restarted one by one.
   */
  left(place: Place<Endpoint>, now: number): void {
    place.leavesUntil = now + LEAVING;
    place.unsure = this.stale = true;
    this.doubt();
    this.renew(now);
    if (this.#choose(this.list, now, undefined, true)) return;
    for (const { rest } of this.list) if (rest !== place.rest) rest.end();
  }

  /** Halves what is held against endpoints for each second, so that they are tried again. */
  forgive(now: number): void {
    const part = 2 ** -Math.floor((now - this.#forgivenAt) / 1000);
    this.#forgivenAt = now;
    for (const place of this.#known.values()) place.refusals = Math.floor(place.refusals * part);
  }

  /** Marks the list as possibly outdated. */
  doubt(): void {
    this.#finding?.doubt();
  }

  /** Starts to find a new list, if it is due. The promise resolves, and never rejects, when done. */
  renew(now: number): Promise<void> | undefined {
    return this.#finding?.renew(now);
  }

  #take(found: readonly Endpoint[]): void {
    const { keyOf, rests } = this.#options;
    const list = new Map<string, Place<Endpoint>>();
    for (const endpoint of found) {
      const key = keyOf(endpoint);
      const place = this.#known.get(key) ?? newPlace(endpoint, key, rests);
      Object.assign(place, traitsOf(endpoint));
      place.endpoint = endpoint;
      list.set(key, place);
    }
    this.list = [...list.values()];
    for (const [key, place] of this.#known) {
      place.listed = list.has(key);
      if (place.load > 0 && !place.listed) list.set(key, place);
    }
    this.#known = list;
    this.#levels = undefined;
    this.weigh(performance.now());
    // The slots are not yet as many as are wanted now.
    this.stale = true;
  }
}
