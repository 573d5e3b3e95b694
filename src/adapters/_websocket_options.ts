import { invalid } from "./_options.ts";

/** What a WebSocket may send us, and hold of what we sent. */
export interface WebSocketOptions {
  /**
   * The longest message taken, in bytes; 1 to 2^31. A longer one ends the connection with
   * code 1009 (or 4009, where the runtime does not let us send that). This library sends
   * messages of 64 KiB at the most.
   *
   * @default {1048576}
   */
  readonly maxFrameBytes?: number;
  /**
   * How many bytes are held that have come and were not read, 65536 to 2^31; more end the
   * connection like too long a message. A message counts 512 bytes more than it has, for
   * what it costs besides. It is never reached where the other end can surely be made to
   * wait: with `WebSocketStream`, and with `ws` in the listener.
   *
   * @default {16777216}
   */
  readonly maxBufferedBytes?: number;
  /**
   * How many bytes the WebSocket may hold that it has not sent before a write waits, 1 to
   * 2^31. For WebSockets that tell it by `bufferedAmount` alone, which is looked at every
   * few milliseconds then.
   *
   * @default {262144}
   */
  readonly maxUnsentBytes?: number;
}

/** The bounds, checked, none left out. */
export type WebSocketLimits = Required<WebSocketOptions>;

/** The longest message taken, in bytes. */
export const DEFAULT_MAX_FRAME_BYTES: number = 1024 * 1024;
/** How many bytes are held that nobody has read. */
export const DEFAULT_MAX_BUFFERED_BYTES: number = 16 * 1024 * 1024;
/** How many bytes are held that have not been sent. */
export const DEFAULT_MAX_UNSENT_BYTES: number = 256 * 1024;

/**
 * The subprotocol of two ends that tell each other their end by an empty message, because
 * a WebSocket itself can only close as a whole.
 */
export const HALF_CLOSE_PROTOCOL = "protosocket";

/** Checks the bounds. Throws a TransportError of code `invalid-option`. */
export function limitsOf(options: WebSocketOptions): WebSocketLimits {
  const {
    maxFrameBytes = DEFAULT_MAX_FRAME_BYTES,
    maxBufferedBytes = DEFAULT_MAX_BUFFERED_BYTES,
    maxUnsentBytes = DEFAULT_MAX_UNSENT_BYTES,
  } = options;
  check("maxFrameBytes", maxFrameBytes, 1);
  check("maxBufferedBytes", maxBufferedBytes, 64 * 1024);
  check("maxUnsentBytes", maxUnsentBytes, 1);
  return { maxFrameBytes, maxBufferedBytes, maxUnsentBytes };
}

/** Checks what may come from JavaScript. Throws a TransportError of code `invalid-option`. */
export function checkHalfClose(halfClose: boolean): void {
  if (typeof halfClose === "boolean") return;
  throw invalid(`halfClose must be true or false, not ${halfClose}`);
}

function check(name: string, value: number, min: number): void {
  if (Number.isInteger(value) && value >= min && value <= 2 ** 31) return;
  throw invalid(`${name} must be an integer from ${min} to ${2 ** 31}, not ${value}`);
}
