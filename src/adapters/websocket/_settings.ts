import { integer } from "../../check.ts";

/** Limits of a WebSocket. */
export interface WebSocketOptions {
  /**
   * The longest WebSocket message that is accepted, in bytes; 1 to 2^31. A longer one ends
   * the connection with close code 1009 (or 4009, where the runtime does not allow that).
   * This library sends messages of at most 64 KiB.
   *
   * @default {1048576}
   */
  readonly maxFrameBytes?: number;
  /**
   * How many bytes of unread data may be buffered, 65536 to 2^31; more end the connection,
   * like a message that is too long. Each message counts as 512 bytes more than its size,
   * for its overhead. The limit is never reached where there is backpressure towards the
   * peer: with `WebSocketStream`, and with the listener over `ws`.
   *
   * @default {16777216}
   */
  readonly maxBufferedBytes?: number;
  /**
   * How many unsent bytes the WebSocket may buffer before a write waits, 1 to 2^31. Only for
   * WebSockets that report this by `bufferedAmount`, which a waiting write polls every few
   * milliseconds.
   *
   * @default {262144}
   */
  readonly maxUnsentBytes?: number;
}

/** The limits, checked and complete. */
export type WebSocketLimits = Required<WebSocketOptions>;

/** The default of {@linkcode WebSocketOptions.maxFrameBytes}: 1 MiB. */
export const DEFAULT_MAX_FRAME_BYTES: number = 1024 * 1024;
/** The default of {@linkcode WebSocketOptions.maxBufferedBytes}: 16 MiB. */
export const DEFAULT_MAX_BUFFERED_BYTES: number = 16 * 1024 * 1024;
/** The default of {@linkcode WebSocketOptions.maxUnsentBytes}: 256 KiB. */
export const DEFAULT_MAX_UNSENT_BYTES: number = 256 * 1024;

/**
 * The subprotocol in which an empty message ends one direction, because a WebSocket itself
 * can only close as a whole.
 */
export const HALF_CLOSE_PROTOCOL = "protosocket";

/** Checks the limits and fills in defaults. Throws a `RangeError`. */
export function limitsOf(options: WebSocketOptions): WebSocketLimits {
  const {
    maxFrameBytes = DEFAULT_MAX_FRAME_BYTES,
    maxBufferedBytes = DEFAULT_MAX_BUFFERED_BYTES,
    maxUnsentBytes = DEFAULT_MAX_UNSENT_BYTES,
  } = options;
  integer("maxFrameBytes", maxFrameBytes, 1, 2 ** 31);
  integer("maxBufferedBytes", maxBufferedBytes, 64 * 1024, 2 ** 31);
  integer("maxUnsentBytes", maxUnsentBytes, 1, 2 ** 31);
  return { maxFrameBytes, maxBufferedBytes, maxUnsentBytes };
}
