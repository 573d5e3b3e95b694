import type { Outbox } from "./_outbox.ts";
import type { Decoding } from "../streams/_decoding.ts";
import type { Encoding } from "../streams/_encoding.ts";

/** What a link, which moves the bytes, asks of its connection, and tells it. */
export interface LinkOwner<Inbound, Outbound, Logical> {
  readonly outbox: Outbox<Outbound, Logical>;
  readonly decoding: Decoding<Inbound>;
  readonly encoding: Encoding<Outbound>;
  /** Whether messages go to the reactor. */
  readonly delivering: boolean;
  /** Whether the connection has ended. */
  readonly over: boolean;
  /** The wait for bytes begins. */
  onReading(): void;
  /** A chunk has arrived; returns whether it is one of bytes. Otherwise the connection has failed. */
  onRead(chunk: Uint8Array): boolean;
  /** Passes a message to the reactor; returns what to wait for, if it wants to. */
  dispatch(message: Inbound, bytes: number): Promise<void> | undefined;
  /** A promise of the reactor, which was waited for, has rejected. */
  failWaiting(cause: unknown): void;
  /** So many messages of a chunk have gone to the reactor. */
  onDispatched(messages: number): void;
  /** A chunk has been dispatched; returns what to wait for before more is read, if anything. */
  onChunkDone(bytes: number): Promise<void> | undefined;
  /** The peer has ended, and all of its messages have gone to the reactor. */
  onInboundEnd(): Promise<void>;
  /** Encodes what waits to be sent. */
  fill(): void;
  /** A chunk is about to be written. */
  onWrite(bytes: number): void;
  /** The transport has not taken all of it at once. */
  onPending(bytes: number): void;
  /** The transport has taken it. */
  onTaken(): void;
  /** Nothing is left to send. */
  onAllWritten(): void;
  /** Everything has been sent, and our direction has ended. */
  onFlushed(): void;
  /** Something has gone wrong. */
  fail(error: unknown): void;
}
