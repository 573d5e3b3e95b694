/** The default of {@linkcode ConnectionOptions.maxBufferLength}: 4 MiB. */
export const DEFAULT_MAX_BUFFER_LENGTH: number = 4 * 1024 * 1024;
/** The default of {@linkcode ConnectionOptions.maxQueuedMessages}: 256. */
export const DEFAULT_MAX_QUEUED_MESSAGES = 256;
/** The default of {@linkcode ConnectionOptions.drainTimeout}: 10 seconds. */
export const DEFAULT_DRAIN_TIMEOUT = 10_000;
/**
 * The default of {@linkcode ConnectionOptions.firstMessageTimeout} and
 * {@linkcode ConnectionOptions.messageTimeout} in servers: a minute.
 */
export const DEFAULT_MESSAGE_TIMEOUT = 60_000;
/** The default of {@linkcode ConnectionOptions.maxPipelinedBytes} in servers: 4 MiB. */
export const DEFAULT_MAX_PIPELINED_BYTES: number = 4 * 1024 * 1024;

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
   * How many bytes are read from the peer while something waits to be sent to it, and it
   * does not take it all. Then nothing more is read until it has: a peer that only asks
   * is not answered out of memory, however large its messages are. Only for an end whose
   * peer reads whatever it sends, as a client does; if both ends wait for each other,
   * neither goes on. 0 reads on for ever. At most 2^32.
   *
   * @default {0} in servers 4194304
   */
  readonly maxPipelinedBytes?: number;
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
  /**
   * Milliseconds from the opening of the connection until the peer's first message must
   * have begun; after that the connection ends with the code `message-timeout`. 0 lets
   * the peer take for ever, as one that only listens does. At most 2,147,483,647.
   *
   * @default {0} in servers 60000
   */
  readonly firstMessageTimeout?: number;
  /**
   * Milliseconds from the first byte of a message until its last must have come; after
   * that the connection ends with the code `message-timeout`. It does not matter how the
   * bytes are spread over the time, but time in which the reactor keeps the connection
   * from reading does not count. Between messages a peer may be silent: see
   * `idleTimeout`. 0 lets a message take for ever. At most 2,147,483,647.
   *
   * @default {0} in servers 60000
   */
  readonly messageTimeout?: number;
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

/** What a server's connections have where nothing else is said: any peer may have dialled. */
export const SERVER_DEFAULTS: ConnectionOptions = {
  firstMessageTimeout: DEFAULT_MESSAGE_TIMEOUT,
  messageTimeout: DEFAULT_MESSAGE_TIMEOUT,
  maxPipelinedBytes: DEFAULT_MAX_PIPELINED_BYTES,
};

/** Checks all bounds of a connection and fills in the defaults, those that are given first. */
export function checkConnectionOptions(
  options: ConnectionOptions,
  defaults: ConnectionOptions = {},
): Required<Omit<ConnectionOptions, "idleTimeout">> & Pick<ConnectionOptions, "idleTimeout"> {
  const {
    maxBufferLength = defaults.maxBufferLength,
    maxQueuedMessages = defaults.maxQueuedMessages ?? DEFAULT_MAX_QUEUED_MESSAGES,
    maxPipelinedBytes = defaults.maxPipelinedBytes ?? 0,
    drainTimeout = defaults.drainTimeout,
    idleTimeout = defaults.idleTimeout,
    firstMessageTimeout = defaults.firstMessageTimeout ?? 0,
    messageTimeout = defaults.messageTimeout ?? 0,
  } = options;
  return {
    maxBufferLength: checkMaxBufferLength(maxBufferLength),
    maxQueuedMessages: checkOption("maxQueuedMessages", maxQueuedMessages, 1, 2 ** 31),
    maxPipelinedBytes: checkOption("maxPipelinedBytes", maxPipelinedBytes, 0, 2 ** 32),
    drainTimeout: checkDrainTimeout(drainTimeout),
    idleTimeout: idleTimeout === undefined
      ? undefined
      : checkOption("idleTimeout", idleTimeout, 1, MAX_DELAY),
    firstMessageTimeout: checkOption("firstMessageTimeout", firstMessageTimeout, 0, MAX_DELAY),
    messageTimeout: checkOption("messageTimeout", messageTimeout, 0, MAX_DELAY),
  };
}
