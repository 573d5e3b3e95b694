// What a seed means for typed services: one server, one client or pool, and calls of each kind.
import type { Draw } from "../draw.ts";

/** The bounds of metadata that both ends have: the defaults. */
export const MAX_ENTRIES = 128;
export const MAX_BYTES: number = 16 * 1024;

/** A time-out that no call reaches, and of which nothing may be left. */
const LONG = 10_000_000;

/** How a handler ends: "wait" when its signal fires, "deaf" in its own time, whatever fires. */
export type Ending = "answer" | "fail" | "throw" | "wait" | "deaf";

/** One call of a typed method. */
export interface TypedPlan {
  readonly kind: "unary" | "server" | "client" | "bidi";
  readonly idempotent: boolean;
  readonly timeout: number | undefined;
  readonly cancelAfter: number | undefined;
  readonly hedgeAfter: number | undefined;
  /** Entries of metadata besides the one that names the call. */
  readonly entries: number;
  /** Bytes of all of it, if that is given; or what the entries come to. */
  readonly bytes: number | undefined;
  /** Further requests, and the number of the one that its source throws in place of; -1 for none. */
  readonly requests: number;
  readonly requestsFailAt: number;
  readonly requestDelay: number;
  /** Responses of a stream. */
  readonly items: number;
  readonly size: number;
  /** Whether the handler, or the source of requests, is synchronous where it may be. */
  readonly sync: boolean;
  /** Milliseconds that the handler takes: for a response, or for each item. */
  readonly delay: number;
  readonly ending: Ending;
  /** The handler reads so many requests. */
  readonly readsRequests: number;
  /** Milliseconds that the caller spends with each item, and after how many it leaves. */
  readonly pace: number;
  readonly leaveAfter: number;
  readonly gap: number;
}

export interface ServicesPlan {
  /** Connections of the pool; 0 for a client of one connection. */
  readonly slots: number;
  readonly maxConcurrentRpcs: number;
  /** Of each end. */
  readonly maxBufferedBytes: readonly [number, number];
  readonly interceptors: boolean;
  readonly actors: readonly (readonly TypedPlan[])[];
  readonly oneByOne: boolean;
  readonly cuts: readonly number[];
  readonly freezes: readonly { readonly at: number; readonly ms: number }[];
  /** When the server is restarted, and how long its calls have. */
  readonly restart: { readonly at: number; readonly ms: number } | undefined;
  readonly end: "close" | "drain" | "abort";
}

function typedCall(draw: Draw): TypedPlan {
  const kind = draw.pick(["unary", "unary", "server", "client", "bidi"] as const);
  const requests = draw.pick([0, 1, 3, 10, 40]);
  const odd = draw.chance(10);
  const endings: Ending[] = ["answer", "answer", "answer", "fail", "wait", "deaf", "throw"];
  const ending = draw.chance(70) ? "answer" : draw.pick(endings);
  const timeout = draw.pick([undefined, LONG, 1, 5, 20, 100, 400, draw.between(1, 800)]);
  return {
    kind,
    idempotent: draw.chance(30),
    // Who waits for its signal, waits for that.
    timeout: ending === "wait" && (timeout ?? LONG) === LONG ? 300 : timeout,
    cancelAfter: draw.chance(10) ? draw.between(0, 100) : undefined,
    hedgeAfter: draw.chance(20) ? draw.between(1, 50) : undefined,
    entries: draw.pick([0, 0, 1, odd ? MAX_ENTRIES - 1 : 2, odd ? MAX_ENTRIES : 3]),
    bytes: draw.chance(4) ? MAX_BYTES + draw.below(2) : undefined,
    requests,
    requestsFailAt: draw.chance(5) ? draw.below(requests + 1) : -1,
    requestDelay: draw.pick([0, 0, 0, 1, 7]),
    items: draw.pick([0, 1, 3, 10, 40]),
    size: draw.pick([0, 10, 100, 700]),
    sync: draw.chance(30),
    delay: draw.pick([0, 0, 1, 5, 20, draw.between(1, 300)]),
    ending,
    readsRequests: draw.pick([0, 1, 5, Infinity, Infinity, Infinity]),
    pace: draw.pick([0, 0, 0, 1, 30]),
    leaveAfter: draw.chance(15) ? draw.below(20) : Infinity,
    gap: draw.pick([0, 0, 0, 1, 10]),
  };
}

export function servicesPlan(draw: Draw): ServicesPlan {
  const bounds = [1, 1000, 5000, 2 ** 20];
  return {
    slots: draw.pick([0, 0, 1, 3]),
    maxConcurrentRpcs: draw.pick([1, 2, 8, 100]),
    maxBufferedBytes: [draw.pick(bounds), draw.pick(bounds)],
    interceptors: draw.chance(30),
    actors: draw.times(
      draw.between(1, 4),
      () => draw.times(draw.between(1, 15), () => typedCall(draw)),
    ),
    oneByOne: draw.chance(50),
    cuts: draw.chance(20) ? draw.times(draw.between(1, 3), () => draw.between(0, 300)) : [],
    freezes: draw.chance(20) ? [{ at: draw.between(0, 200), ms: draw.between(1, 500) }] : [],
    restart: draw.chance(15)
      ? { at: draw.between(0, 200), ms: draw.pick([0, 50, 2000]) }
      : undefined,
    end: draw.pick(["close", "drain", "abort"]),
  };
}
