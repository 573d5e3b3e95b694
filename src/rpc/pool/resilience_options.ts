/** The defaults of {@linkcode RetryBudgetOptions}. */
export const DEFAULT_RETRY_BUDGET: Required<RetryBudgetOptions> = { ratio: 0.2, minPerSecond: 10 };
/** The defaults of {@linkcode OutlierDetectionOptions}. */
export const DEFAULT_OUTLIER_DETECTION: Required<OutlierDetectionOptions> = {
  consecutiveFailures: 5,
  failurePercentage: 85,
  requestVolume: 50,
  interval: 10_000,
  baseEjectionTime: 30_000,
  maxEjectionTime: 300_000,
  maxEjectionPercent: 50,
};
/** The defaults of {@linkcode BackoffOptions}. */
export const DEFAULT_BACKOFF: Required<BackoffOptions> = {
  initial: 100,
  max: 10_000,
  factor: 2,
  jitter: 0.5,
};

/**
 * How long an endpoint is left alone after a failed connect: `initial`, then `factor` times
 * as long with each further failure, at most `max`, less a random part (`jitter`). A
 * connection that ends within `initial` counts as a failure too; one that lasts longer
 * resets the backoff.
 */
export interface BackoffOptions {
  /**
   * The first backoff, in milliseconds: an integer from 1 to 2,147,483,647.
   *
   * @default {100}
   */
  readonly initial?: number;
  /**
   * The longest backoff, in milliseconds: an integer from `initial` to 2,147,483,647.
   *
   * @default {10000} or `initial`, if that is more
   */
  readonly max?: number;
  /**
   * How many times longer each backoff is than the one before: 1 or more.
   *
   * @default {2}
   */
  readonly factor?: number;
  /**
   * How much of each backoff is random: with 0.5, a backoff of 100 ms becomes one of 50 to
   * 100 ms. From 0 to 1.
   *
   * @default {0.5}
   */
  readonly jitter?: number;
}

/**
 * How many calls that may have been sent are retried, compared with the calls of the last ten
 * seconds, so that retries cannot multiply the load of an outage. As in Finagle and Envoy.
 * Retries of what was never sent do not count.
 */
export interface RetryBudgetOptions {
  /**
   * Retries for each call: from 0 to 1.
   *
   * @default {0.2}
   */
  readonly ratio?: number;
  /**
   * Retries a second that are possible in any case: an integer from 0 to 1,000,000.
   *
   * @default {10}
   */
  readonly minPerSecond?: number;
}

/**
 * When an endpoint is left out for a time (ejected), since calls to it fail: with calls in a row
 * that had no answer within their `timeout`, connections that were lost counting as well, once
 * for all that are lost together; or with a share of failures, in which the server's refusals
 * count too, and which is at least twice that of the others. Names and most defaults are those
 * of Envoy and gRPC. Calls in flight go on, and its connections stay open.
 */
export interface OutlierDetectionOptions {
  /**
   * After how many failures in a row: an integer from 0, which is never, to 1,000,000.
   *
   * @default {5}
   */
  readonly consecutiveFailures?: number;
  /**
   * At what percentage of failures in an interval: an integer from 0, which is never, to 100.
   *
   * @default {85}
   */
  readonly failurePercentage?: number;
  /**
   * From how many calls in an interval on the percentage counts: an integer from 1 to
   * 1,000,000.
   *
   * @default {50}
   */
  readonly requestVolume?: number;
  /**
   * How long an interval is, in milliseconds: an integer from 1 to 2,147,483,647.
   *
   * @default {10000}
   */
  readonly interval?: number;
  /**
   * How long an endpoint is left out the first time, in milliseconds, and how much longer
   * each further time: an integer from 1 to 2,147,483,647.
   *
   * @default {30000}
   */
  readonly baseEjectionTime?: number;
  /**
   * The longest such time: an integer from 1 to 2,147,483,647.
   *
   * @default {300000} or `baseEjectionTime`, if that is more
   */
  readonly maxEjectionTime?: number;
  /**
   * How many percent of the endpoints may be left out at once, but always one, and never all:
   * an integer from 1 to 100. Envoy's default is 10, with health checks beside; a pool has
   * none, and should outlast the loss of a zone.
   *
   * @default {50}
   */
  readonly maxEjectionPercent?: number;
}
