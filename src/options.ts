/** The default of {@linkcode ConnectionOptions.maxBufferLength}: 4 MiB. */
export const DEFAULT_MAX_BUFFER_LENGTH: number = 4 * 1024 * 1024;
/** The default of {@linkcode ConnectionOptions.maxQueuedMessages}: 256. */
export const DEFAULT_MAX_QUEUED_MESSAGES = 256;
/** The default of {@linkcode ConnectionOptions.drainTimeout}: 10 seconds. */
export const DEFAULT_DRAIN_TIMEOUT = 10_000;

/** The bounds of a {@linkcode Connection}. */
export interface ConnectionOptions {
  /**
   * The most bytes that one inbound message may have, with its framing. A peer that
   * announces more is disconnected at once, before any memory is set aside.
   *
   * @default {4194304}
   */
  readonly maxBufferLength?: number;
  /**
   * How many messages may wait to be encoded. When so many do, `send()` waits and
   * `trySend()` says no.
   *
   * @default {256}
   */
  readonly maxQueuedMessages?: number;
  /**
   * Milliseconds that an orderly end may take, from `close()` or from the peer's
   * end, until what is queued has been sent and the peer has ended too. After that
   * the connection is aborted. At most 2,147,483,647.
   *
   * @default {10000}
   */
  readonly drainTimeout?: number;
  /**
   * Milliseconds without a byte from the peer after which the connection ends with
   * the code `idle-timeout`. Time in which the reactor itself keeps the connection
   * from reading does not count. From 1 to 2,147,483,647.
   *
   * @default {undefined} a peer may be silent for ever
   */
  readonly idleTimeout?: number;
}

/** The largest delay, in milliseconds, that timers take on every runtime. */
export const MAX_DELAY: number = 2 ** 31 - 1;

/** Returns `value` if it is an integer from `min` to `max`, else throws a `RangeError` that names it. */
export function checkOption(name: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be an integer from ${min} to ${max}, not ${String(value)}`);
}

/** Checks {@linkcode ConnectionOptions.maxBufferLength} and fills in its default. */
export function checkMaxBufferLength(value: number = DEFAULT_MAX_BUFFER_LENGTH): number {
  return checkOption("maxBufferLength", value, 1, 2 ** 32);
}

/** Checks a time for an orderly end and fills in its default. */
export function checkDrainTimeout(
  value: number = DEFAULT_DRAIN_TIMEOUT,
  name = "drainTimeout",
): number {
  return checkOption(name, value, 0, MAX_DELAY);
}

/** Checks all bounds of a connection and fills in their defaults. */
export function checkConnectionOptions(
  options: ConnectionOptions,
): Required<Omit<ConnectionOptions, "idleTimeout">> & Pick<ConnectionOptions, "idleTimeout"> {
  const { maxQueuedMessages = DEFAULT_MAX_QUEUED_MESSAGES, idleTimeout } = options;
  return {
    maxBufferLength: checkMaxBufferLength(options.maxBufferLength),
    maxQueuedMessages: checkOption("maxQueuedMessages", maxQueuedMessages, 1, 2 ** 31),
    drainTimeout: checkDrainTimeout(options.drainTimeout),
    idleTimeout: idleTimeout === undefined
      ? undefined
      : checkOption("idleTimeout", idleTimeout, 1, MAX_DELAY),
  };
}
