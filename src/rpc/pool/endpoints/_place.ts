import { Rest, type RestOptions } from "./_backoff.ts";
import { untried, type Watched } from "./_outliers.ts";
import { hashOf, type Ranked } from "./_rendezvous.ts";
import { traitsOf } from "../_settings.ts";

/** An endpoint and its state. */
export interface Place<Endpoint> extends Ranked, Watched {
  /** The endpoint, as last found. */
  endpoint: Endpoint;
  weight: number;
  zone: string | undefined;
  priority: number;
  /** Whether it is in the list. */
  listed: boolean;
  /** Whether the pool wants connections to it: see {@linkcode Endpoints.wanted}. */
  wanted: boolean;
  /** Its part of the calls that may go anywhere, compared with the others. */
  share: number;
  /** Since when it can be used; `undefined` if it has never been connected to. */
  since: number | undefined;
  /** Whether it may be away: it could not be connected to, has lost a connection, or goes away. */
  unsure: boolean;
  readonly rest: Rest;
  /** How many slots are connected to it, or connecting. */
  load: number;
  /** How many of them are connected. */
  open: number;
  /** How many calls it has refused lately; those without an answer in time count more. */
  refusals: number;
  /** Until when it is taken to be going away, as it has said. */
  leavesUntil: number;
}

/** The state of an endpoint that is new. */
export function newPlace<Endpoint>(
  endpoint: Endpoint,
  key: string,
  rests: RestOptions,
): Place<Endpoint> {
  return {
    endpoint,
    key,
    hash: hashOf(key),
    ...traitsOf(endpoint),
    listed: true,
    wanted: false,
    share: 1,
    since: undefined,
    unsure: false,
    rest: new Rest(rests),
    load: 0,
    open: 0,
    refusals: 0,
    leavesUntil: -Infinity,
    health: untried(),
  };
}

/** Whether calls that may go elsewhere go to an endpoint: it neither leaves nor is ejected. */
export function isGood({ leavesUntil, health }: Place<unknown>, now: number): boolean {
  return now >= leavesUntil && now >= health.ejectedUntil;
}

/** The same, if it is connected, or is not known to be away. */
export function isUsable(place: Place<unknown>, now: number): boolean {
  return isGood(place, now) && (place.open > 0 || !place.rest.failing);
}

/** The part of their weights whose endpoints can be used. */
export function usableShare(places: readonly Place<unknown>[], now: number): number {
  let all = 0;
  let usable = 0;
  for (const place of places) {
    all += place.weight;
    if (isUsable(place, now)) usable += place.weight;
  }
  return usable / all;
}
