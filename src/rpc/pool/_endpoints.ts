import { TransportError } from "../../../mod.ts";
import { bounded } from "../_bounded.ts";
import { GOING_AWAY } from "../_flow.ts";
import { Rest, type RestOptions } from "./_backoff.ts";

/** For how many milliseconds other endpoints are preferred to one that is going away. */
const LEAVING = 1000;

/** An endpoint and its state. */
export interface Place<Endpoint> {
  /** The endpoint, as last found. */
  endpoint: Endpoint;
  /** Identifies the endpoint. */
  readonly key: string;
  readonly rest: Rest;
  /** How many slots are connected to it, or connecting. */
  load: number;
  /** How many calls it has refused lately. */
  refusals: number;
  /** Until when it is taken to be going away, as it has said. */
  leavesUntil: number;
}

/** Finds the current endpoints. */
export type Resolve<Endpoint> = (
  options: { readonly signal: AbortSignal },
) => Promise<readonly Endpoint[]>;

/** What {@linkcode Endpoints} needs besides a source. */
export interface EndpointsOptions<Endpoint> {
  readonly keyOf: (endpoint: Endpoint) => string;
  /** How long a list stays valid, in milliseconds. */
  readonly ttl: number;
  /** How long finding a list may take, in milliseconds. */
  readonly timeout: number;
  readonly rests: RestOptions;
  /** Called when finding a list has failed. */
  readonly onError: (error: unknown) => void;
  /** Ends all waits when it fires. */
  readonly signal: AbortSignal;
}

/** The endpoints of a pool: a fixed list, or the last list that a function returned. */
export class Endpoints<Endpoint> {
  /** The endpoints that may be connected to. */
  list: readonly Place<Endpoint>[] = [];
  readonly #options: EndpointsOptions<Endpoint>;
  readonly #resolve: Resolve<Endpoint> | undefined;
  /** Those in the list, and those no longer in it that still have a connection. */
  #known = new Map<string, Place<Endpoint>>();
  #freshUntil = -Infinity;
  #renewal: Promise<void> | undefined;
  readonly #resolving: Rest;

  constructor(
    source: readonly Endpoint[] | Resolve<Endpoint>,
    options: EndpointsOptions<Endpoint>,
  ) {
    this.#options = options;
    this.#resolving = new Rest(options.rests);
    if (typeof source === "function") this.#resolve = source;
    else this.#take(source);
  }

  /** The last failure, for calls that fail because nothing can be tried. */
  get error(): unknown {
    let last: Rest | undefined;
    for (const { rest } of this.list) if (!last || rest.until > last.until) last = rest;
    return last?.error ?? this.#resolving.error;
  }

  /** When the first of the resting endpoints may be tried again. */
  get nextAt(): number {
    const rests = this.list.length > 0 ? this.list.map(({ rest }) => rest) : [this.#resolving];
    return Math.min(...rests.map(({ until }) => until));
  }

  /**
   * A random one of those with the fewest slots that do not rest. One that is going away is
   * chosen only if there is no other.
   */
  choose(now: number, except?: ReadonlySet<Place<unknown>>): Place<Endpoint> | undefined {
    return this.#choose(now, except, false) ?? this.#choose(now, except, true);
  }

  #choose(
    now: number,
    except: ReadonlySet<Place<unknown>> | undefined,
    leaving: boolean,
  ): Place<Endpoint> | undefined {
    let fewest = Infinity;
    let best: Place<Endpoint>[] = [];
    for (const place of this.list) {
      if (now < place.rest.until || now < place.leavesUntil !== leaving) continue;
      if (place.load > fewest || except?.has(place)) continue;
      if (place.load < fewest) best = [];
      fewest = place.load;
      best.push(place);
    }
    return best[Math.floor(this.#options.rests.random() * best.length)];
  }

  /**
   * An endpoint has said that it is going away. If no other is left, those that rest may have
   * come back: servers are often restarted one by one.
   */
  left(place: Place<Endpoint>, now: number): void {
    place.leavesUntil = now + LEAVING;
    this.doubt();
    this.renew(now);
    if (this.#choose(now, undefined, false)) return;
    for (const { rest } of this.list) if (rest !== place.rest) rest.end();
  }

  /** Halves what is held against endpoints that refuse calls, so that they are tried again. */
  forgive(): void {
    for (const place of this.#known.values()) place.refusals = Math.floor(place.refusals / 2);
  }

  /** Marks the list as possibly outdated. */
  doubt(): void {
    this.#freshUntil = -Infinity;
  }

  /** Starts to find a new list, if it is due. The promise resolves, and never rejects, when done. */
  renew(now: number): Promise<void> | undefined {
    if (this.#renewal || !this.#resolve) return this.#renewal;
    if (now < this.#freshUntil || now < this.#resolving.until) return undefined;
    return this.#renewal = this.#find(this.#resolve, now).then(() => this.#renewal = undefined);
  }

  async #find(resolve: Resolve<Endpoint>, began: number): Promise<void> {
    const { timeout, signal, ttl, onError } = this.#options;
    try {
      const found = await bounded((signal) => resolve({ signal }), {
        signals: [signal],
        timeout,
        timedOut: () =>
          new TransportError(
            "timed-out",
            `No endpoints found within connectTimeout, ${timeout} ms`,
          ),
      });
      if (!Array.isArray(found)) throw new TypeError("endpoints did not return an array");
      if (found.length === 0) throw new RangeError("endpoints returned none");
      this.#take(found);
      this.#freshUntil = performance.now() + ttl;
      this.#resolving.succeeded(performance.now());
    } catch (error) {
      if (signal.aborted) return;
      // Keep the known endpoints: they are better than none.
      this.#resolving.failed(error, began, performance.now());
      onError(error);
    }
  }

  #take(found: readonly Endpoint[]): void {
    const { keyOf, rests } = this.#options;
    const list = new Map<string, Place<Endpoint>>();
    for (const endpoint of found) {
      const key = keyOf(endpoint);
      const place = this.#known.get(key) ?? newPlace(endpoint, key, rests);
      place.endpoint = endpoint;
      list.set(key, place);
    }
    this.list = [...list.values()];
    for (const [key, place] of this.#known) {
      if (place.load > 0 && !list.has(key)) list.set(key, place);
    }
    this.#known = list;
  }
}

function newPlace<Endpoint>(endpoint: Endpoint, key: string, rests: RestOptions): Place<Endpoint> {
  return { endpoint, key, rest: new Rest(rests), load: 0, refusals: 0, leavesUntil: -Infinity };
}

/** The error for an endpoint that is about to end its connections. */
export function leaving(): TransportError {
  return new TransportError("closed", GOING_AWAY);
}
