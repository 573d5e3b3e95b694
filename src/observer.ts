import type { CloseReason } from "./close_reason.ts";

/**
 * Watches a connection, for metrics and logs. Each call is about a batch or a chunk,
 * never about one message; without an observer nothing is counted. What an observer
 * throws is ignored.
 */
export interface ConnectionObserver {
  /** A connection begins. */
  onOpen?(): void;
  /** Bytes have arrived. */
  onBytesReceived?(bytes: number): void;
  /** A batch of messages has been decoded, and goes to the reactor now. */
  onMessagesReceived?(messages: number): void;
  /** A batch of messages has been encoded; so many still wait in the queue. */
  onMessagesSent?(messages: number, queued: number): void;
  /** Bytes have been given to the transport. */
  onBytesSent?(bytes: number): void;
  /** The connection has ended; after the reactor was told. */
  onClose?(reason: CloseReason): void;
}

/** The same observer, whose own failures harm nobody. */
export function quietly(observer: ConnectionObserver): ConnectionObserver {
  return {
    onOpen: quiet(observer.onOpen?.bind(observer)),
    onBytesReceived: quiet(observer.onBytesReceived?.bind(observer)),
    onMessagesReceived: quiet(observer.onMessagesReceived?.bind(observer)),
    onMessagesSent: quiet(observer.onMessagesSent?.bind(observer)),
    onBytesSent: quiet(observer.onBytesSent?.bind(observer)),
    onClose: quiet(observer.onClose?.bind(observer)),
  };
}

function quiet<Args extends unknown[]>(
  callback: ((...args: Args) => void) | undefined,
): ((...args: Args) => void) | undefined {
  return callback && ((...args) => {
    try {
      callback(...args);
    } catch {
      // Watching must not change what is watched.
    }
  });
}
