import { DuplexBase } from "../../duplex/duplex_base.ts";
import { TransportError } from "../../errors.ts";
import { type Frame, toFrame, toReason, violation } from "./_frames.ts";
import { type AnyPort, PortLink } from "./_link.ts";

/** How many hellos an end sends: its own, and the reply to the peer's. */
const MAX_HELLOS = 2;

/**
 * A duplex over a port, with credit-based flow control in each direction. Writes are copied:
 * they are often part of a larger buffer that must not be transferred.
 */
export class PortDuplex extends DuplexBase {
  readonly #link: PortLink;
  readonly #window: number;
  /** How many bytes the peer may still send. */
  #granted: number;
  /** How many bytes this end may still send, and the peer's window: 0 until its hello arrives. */
  #credit = 0;
  #peerWindow = 0;
  #hellos = 0;
  /** What of the write under way waits for credit, and whether our end waits for the hello. */
  #rest: Uint8Array | undefined;
  #endWaits = false;
  #peerEnded = false;
  /** Whether this end, and whether the other, reads no more. */
  #stopped = false;
  #peerStopped = false;
  /** Whether the port has been given back. */
  #over = false;
  /** What the peer is told of our abort, unless it was the peer that aborted. */
  #farewell: string | undefined;

  constructor(port: AnyPort, window: number) {
    super();
    this.#window = this.#granted = window;
    this.#link = new PortLink(port, {
      onMessage: (data) => this.#onMessage(data),
      onLost: (error) => this.fail(error),
    });
    this.#post({ kind: "hello", window, heard: false });
  }

  override get unsent(): number {
    return this.#rest?.length ?? 0;
  }

  /** What was not granted yet is the buffer. */
  protected override get readAhead(): number {
    return 0;
  }

  #onMessage(data: unknown): void {
    const frame = toFrame(data);
    const wrong = !frame
      ? "what it posted is no message of ours"
      : frame instanceof ArrayBuffer
      ? this.#onBytes(frame)
      : this.#onFrame(frame);
    if (!wrong) return;
    this.#farewell = wrong;
    this.fail(violation(wrong));
  }

  /** Returns what is wrong, if anything is. */
  #onBytes(bytes: ArrayBuffer): string | undefined {
    if (this.#peerEnded) return "it sent bytes after its end";
    const { byteLength } = bytes;
    if (byteLength > this.#granted) {
      return `it sent ${byteLength} bytes where ${this.#granted} were granted`;
    }
    this.#granted -= byteLength;
    this.received(new Uint8Array(bytes));
    this.#grant();
  }

  /** Returns what is wrong, if anything is. */
  #onFrame(frame: Frame): string | undefined {
    switch (frame.kind) {
      case "hello":
        if (++this.#hellos > MAX_HELLOS) return "it said hello again and again";
        if (!frame.heard) this.#post({ kind: "hello", window: this.#window, heard: true });
        if (this.#peerWindow === 0) this.#credit = this.#peerWindow = frame.window;
        // The peer may not have been listening yet when we stopped reading.
        if (this.#stopped && !this.#peerEnded) this.#post({ kind: "stop" });
        this.#goOn();
        break;
      case "grant":
        this.#credit += frame.bytes;
        if (this.#credit > this.#peerWindow) return "it granted more than its window";
        this.#goOn();
        break;
      case "end":
        if (this.#peerEnded) return "it ended twice";
        this.#peerEnded = true;
        this.ended();
        break;
      case "stop":
        this.#peerStopped = true;
        // As with a socket, only a write tells.
        if (this.#rest) this.fail(readsNoMore());
        break;
      case "abort":
        this.fail(reset(`the other end aborted${frame.message && `: ${frame.message}`}`));
    }
  }

  /** Grants what has been read, once it is half of the window. */
  #grant(): void {
    if (this.#over) return;
    const bytes = this.#window - this.stored - this.#granted;
    if (this.#peerEnded || this.#stopped || bytes < this.#window / 2) return;
    this.#granted += bytes;
    this.#post({ kind: "grant", bytes });
  }

  override resume(): void {
    super.resume();
    // After what is stored has been delivered.
    queueMicrotask(() => this.#grant());
  }

  override stopReading(): void {
    if (!this.#stopped && !this.#peerEnded && !this.#over) this.#post({ kind: "stop" });
    this.#stopped = true;
    // It may give the port back.
    super.stopReading();
  }

  override abort(reason?: unknown): void {
    this.#farewell = toReason(reason);
    super.abort(reason);
  }

  protected override flow(): void {
    this.#grant();
  }

  protected override hold(): void {}

  protected override send(bytes: Uint8Array): boolean {
    if (this.#peerStopped) return this.fail(readsNoMore()), false;
    this.#rest = bytes;
    return this.#sendRest();
  }

  /** Sends what there is credit for; returns whether that was all. */
  #sendRest(): boolean {
    while (this.#rest && this.#credit > 0) {
      const bytes = this.#rest;
      // Not by `slice`, which is no copy if it is a Buffer.
      const copy = new Uint8Array(bytes.subarray(0, this.#credit));
      this.#rest = copy.length < bytes.length ? bytes.subarray(copy.length) : undefined;
      this.#credit -= copy.length;
      this.#post(copy.buffer, [copy.buffer]);
    }
    return !this.#rest;
  }

  protected override sendEnd(): boolean {
    // A peer that is not listening yet would miss it.
    this.#endWaits = this.#peerWindow === 0;
    if (!this.#endWaits) this.#post({ kind: "end" });
    return !this.#endWaits;
  }

  /** There is credit, or the peer listens. */
  #goOn(): void {
    if (this.#endWaits) {
      this.#endWaits = false;
      this.#post({ kind: "end" });
      this.drained();
    } else if (this.#rest && this.#sendRest()) {
      this.drained();
    }
  }

  #post(message: Frame | ArrayBuffer, transfer?: ArrayBuffer[]): void {
    try {
      this.#link.post(message, transfer);
    } catch (cause) {
      this.fail(new TransportError("other", "Cannot post to the port", { cause }));
    }
  }

  protected override release(): void {
    this.#over = true;
    this.#link.release();
  }

  protected override destroy(): void {
    this.#over = true;
    this.#rest = undefined;
    this.#endWaits = false;
    if (this.#farewell !== undefined) this.#post({ kind: "abort", message: this.#farewell });
    this.#link.release();
  }
}

function readsNoMore(): TransportError {
  return reset("the other end reads no more");
}

function reset(why: string): TransportError {
  return new TransportError("reset", `The connection was reset: ${why}`);
}
