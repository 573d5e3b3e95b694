import type { CloseReason } from "./close_reason.ts";
import { tell } from "./user_callback.ts";

/**
 * Observes a connection, for metrics and logs. Each call covers a batch or a chunk, never
 * a single message. What an observer throws is ignored.
 */
export interface ConnectionObserver {
  /** The connection has started. */
  onOpen?(): void;
  /** Bytes have arrived. */
  onBytesReceived?(bytes: number): void;
  /** Messages have gone to the reactor: those that one chunk completed, or a part of them. */
  onMessagesReceived?(messages: number): void;
  /** A batch of messages has been encoded; `queued` are still waiting in the queue. */
  onMessagesSent?(messages: number, queued: number): void;
  /** Bytes are about to be written to the transport. */
  onBytesSent?(bytes: number): void;
  /** The connection has ended; called after the reactor's `onClose`. */
  onClose?(reason: CloseReason): void;
}

/** Wraps an observer so that whatever it throws, or rejects with, is ignored. */
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
  return callback && ((...args) => tell(callback, ...args));
}
