import { checkFunction, checkOptions, delay, integer, MAX_DELAY, requireOptions } from "./check.ts";

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
/** The default of {@linkcode ConnectionOptions.writeTimeout} in servers: a minute. */
export const DEFAULT_WRITE_TIMEOUT = 60_000;
/** The default of {@linkcode ConnectionOptions.maxPipelinedBytes} in servers: 4 MiB. */
export const DEFAULT_MAX_PIPELINED_BYTES: number = 4 * 1024 * 1024;

/** Limits and timeouts of a {@linkcode Connection}. */
export interface ConnectionOptions {
  /**
   * The largest inbound message, in bytes, including its framing. A larger one ends the
   * connection with `message-too-large` as soon as its length is known, before memory is
   * allocated for it. From 1 to 2^32.
   *
   * @default {4194304}
   */
  readonly maxBufferLength?: number;
  /**
   * The longest outbound message, in bytes, including its framing: normally what the peer
   * takes, since a longer one would end the connection there. It is not sent, and fails alone:
   * see {@linkcode Reactor.onEncodeError}. From 1 to 2^32.
   *
   * @default {maxBufferLength}
   */
  readonly maxOutboundLength?: number;
  /**
   * How many outbound messages may wait to be encoded. While that many do, `send()` waits
   * and `trySend()` returns `false`. From 1 to 2^31.
   *
   * @default {256}
   */
  readonly maxQueuedMessages?: number;
  /**
   * How many bytes are read while outbound messages are still waiting to be sent. Beyond
   * that, reading stops until those that wait at that moment have been sent, whatever has
   * been sent after them: a peer that sends requests but reads no responses cannot make this
   * end run out of memory. Set it at one end only, normally the server: if both ends stop
   * reading, neither can continue. From 0, which sets no limit, to 2^32.
   *
   * @default {0} in servers 4194304
   */
  readonly maxPipelinedBytes?: number;
  /**
   * Milliseconds that an orderly close may take: from `close()`, or from the peer's end,
   * until everything queued has been sent and the peer has ended too. Then the connection
   * is aborted. From 0 to 2,147,483,647.
   *
   * @default {10000}
   */
  readonly drainTimeout?: number;
  /**
   * Milliseconds without a byte from the peer after which the connection ends with the
   * code `idle-timeout`. Time during which the reactor holds back reading does not count.
   * From 1 to 2,147,483,647.
   *
   * @default {undefined} a peer may be silent for ever
   */
  readonly idleTimeout?: number;
  /**
   * Milliseconds within which the peer's first message must begin, counted from when the
   * connection opens. Otherwise it ends with the code `message-timeout`. From 0, which sets
   * no limit and suits peers that only receive, to 2,147,483,647.
   *
   * @default {0} in servers 60000
   */
  readonly firstMessageTimeout?: number;
  /**
   * Milliseconds within which a message must be complete, counted from its first byte.
   * Otherwise the connection ends with the code `message-timeout`. A trickle of bytes does
   * not extend it; time during which the reactor holds back reading does not count. For
   * silence between messages see `idleTimeout`. From 0, which sets no limit, to
   * 2,147,483,647.
   *
   * @default {0} in servers 60000
   */
  readonly messageTimeout?: number;
  /**
   * Milliseconds within which the transport must accept each 64 KiB, or what is written if that is
   * less, or at least, where the transport can tell, a part of it. Otherwise the connection ends
   * with the code `write-timeout`: the peer does not read. From 0, which sets no limit and suits
   * peers that pause for long, to 2,147,483,647.
   *
   * @default {0} in servers 60000
   */
  readonly writeTimeout?: number;
}

/** The options that always have a value. */
type Valued = Exclude<keyof ConnectionOptions, "idleTimeout">;

/** Their defaults, and the ranges that they must be in. */
const RANGES: Readonly<Record<Valued, readonly [otherwise: number, min: number, max: number]>> = {
  maxBufferLength: [DEFAULT_MAX_BUFFER_LENGTH, 1, 2 ** 32],
  // Of a connection it is maxBufferLength unless it is given.
  maxOutboundLength: [DEFAULT_MAX_BUFFER_LENGTH, 1, 2 ** 32],
  maxQueuedMessages: [DEFAULT_MAX_QUEUED_MESSAGES, 1, 2 ** 31],
  maxPipelinedBytes: [0, 0, 2 ** 32],
  drainTimeout: [DEFAULT_DRAIN_TIMEOUT, 0, MAX_DELAY],
  firstMessageTimeout: [0, 0, MAX_DELAY],
  messageTimeout: [0, 0, MAX_DELAY],
  writeTimeout: [0, 0, MAX_DELAY],
};

/** Checks one of a connection's options, which may have another name here, and fills in its default. */
export function checkConnectionOption(
  option: Valued,
  value: number | undefined,
  name: string = option,
): number {
  const [otherwise, min, max] = RANGES[option];
  return integer(name, value === undefined ? otherwise : value, min, max);
}

/** Stricter defaults for a server's connections, since anyone may have connected. */
export const SERVER_DEFAULTS: ConnectionOptions = {
  firstMessageTimeout: DEFAULT_MESSAGE_TIMEOUT,
  messageTimeout: DEFAULT_MESSAGE_TIMEOUT,
  writeTimeout: DEFAULT_WRITE_TIMEOUT,
  maxPipelinedBytes: DEFAULT_MAX_PIPELINED_BYTES,
};

/** Checks what a connection is given that is no number. */
export function checkConnectionParts(
  { heartbeat, observer }: {
    readonly heartbeat?: { readonly interval: unknown; readonly message: unknown };
    readonly observer?: unknown;
  },
): void {
  checkOptions("observer", observer);
  if (heartbeat === undefined) return;
  requireOptions("heartbeat", "a message", heartbeat);
  checkFunction("heartbeat.message", heartbeat.message);
  delay("heartbeat.interval", heartbeat.interval, 1);
}

/** Checks all options of a connection; fills in `defaults`, then the general defaults. */
export function checkConnectionOptions(
  options: ConnectionOptions,
  defaults: ConnectionOptions = {},
): Required<Omit<ConnectionOptions, "idleTimeout">> & Pick<ConnectionOptions, "idleTimeout"> {
  const checked = (name: Valued, otherwise?: number) => {
    const { [name]: value = defaults[name] ?? otherwise } = options;
    return checkConnectionOption(name, value);
  };
  const { idleTimeout = defaults.idleTimeout } = options;
  const maxBufferLength = checked("maxBufferLength");
  return {
    maxBufferLength,
    maxOutboundLength: checked("maxOutboundLength", maxBufferLength),
    maxQueuedMessages: checked("maxQueuedMessages"),
    maxPipelinedBytes: checked("maxPipelinedBytes"),
    drainTimeout: checked("drainTimeout"),
    idleTimeout: idleTimeout === undefined ? undefined : delay("idleTimeout", idleTimeout, 1),
    firstMessageTimeout: checked("firstMessageTimeout"),
    messageTimeout: checked("messageTimeout"),
    writeTimeout: checked("writeTimeout"),
  };
}
