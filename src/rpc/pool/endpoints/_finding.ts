import { TransportError } from "../../../../mod.ts";
import { shown, wrong } from "../../../check.ts";
import { bounded } from "../../../waits/bounded.ts";
import { Rest, type RestOptions } from "./_backoff.ts";
import type { FoundEndpoints } from "../pool_options.ts";

/** The least time, in milliseconds, that found endpoints are valid for. */
const SHORTEST_TTL = 1000;

/** Finds the current endpoints. */
export type Resolve<Endpoint> = (
  options: { readonly signal: AbortSignal },
) => Promise<readonly Endpoint[] | FoundEndpoints<Endpoint>>;

/** When endpoints are found anew. */
export interface FindingOptions {
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

/** Finds a pool's endpoints by a function, again when the last list may be outdated. */
export class Finding<Endpoint> {
  /** Since it fails, if it does. */
  readonly rest: Rest;
  readonly #resolve: Resolve<Endpoint>;
  readonly #options: FindingOptions;
  readonly #take: (found: readonly Endpoint[]) => void;
  #freshUntil = -Infinity;
  #renewal: Promise<void> | undefined;

  /** `take` receives each list, and throws if something is wrong with it. */
  constructor(
    resolve: Resolve<Endpoint>,
    options: FindingOptions,
    take: (found: readonly Endpoint[]) => void,
  ) {
    this.#resolve = resolve;
    this.#options = options;
    this.#take = take;
    this.rest = new Rest(options.rests);
  }

  /** Marks the list as possibly outdated. */
  doubt(): void {
    this.#freshUntil = -Infinity;
  }

  /** Starts to find a new list, if it is due. The promise resolves, and never rejects, when done. */
  renew(now: number): Promise<void> | undefined {
    if (this.#renewal) return this.#renewal;
    if (now < this.#freshUntil || now < this.rest.until) return undefined;
    return this.#renewal = this.#find(now).then(() => this.#renewal = undefined);
  }

  async #find(began: number): Promise<void> {
    const { timeout, signal, ttl, onError } = this.#options;
    try {
      const found = await bounded((signal) => this.#resolve({ signal }), {
        signals: [signal],
        timeout,
        timedOut: () =>
          new TransportError(
            "timed-out",
            `No endpoints found within connectTimeout, ${timeout} ms`,
          ),
      });
      const { endpoints, ttl: validFor = ttl } = parts(found);
      this.#takeFound(endpoints);
      this.#freshUntil = performance.now() + Math.min(ttl, Math.max(SHORTEST_TTL, validFor));
      this.rest.succeeded(performance.now());
    } catch (error) {
      if (signal.aborted) return;
      // The known endpoints are kept: they are better than none.
      this.rest.failed(error, began, performance.now());
      onError(error);
    }
  }

  #takeFound(found: readonly Endpoint[]): void {
    try {
      this.#take(found);
    } catch (cause) {
      // What is found comes from elsewhere: calls may wait until it is right again.
      throw new RangeError((cause as Error).message, { cause });
    }
  }
}

/** What a function has found, in either form. */
function parts<Endpoint>(found: readonly Endpoint[] | FoundEndpoints<Endpoint>) {
  const isList = (value: unknown): value is readonly Endpoint[] => Array.isArray(value);
  const { endpoints, ttl }: FoundEndpoints<Endpoint> = isList(found) ? { endpoints: found } : {
    ...found,
  };
  if (!isList(endpoints)) throw wrong(`endpoints must return an array, not ${shown(found)}`);
  if (endpoints.length === 0) throw new RangeError("endpoints returned none");
  if (ttl !== undefined && !(ttl >= 0)) throw new RangeError(`The ttl of endpoints is ${ttl}`);
  return { endpoints, ttl };
}
