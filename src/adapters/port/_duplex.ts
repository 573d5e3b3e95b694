import type { Duplex } from "../../duplex/duplex.ts";
import { brokenOff, TransportError } from "../../errors.ts";
import { type Frame, toFrame, toReason, violation } from "./_frames.ts";
import { type AnyPort, PortLink } from "./_link.ts";

/** How many writes in a row may succeed at once before yielding to the event loop. */
const WRITES_A_TURN = 16;
/** How many hellos an end sends: its own, and the reply to the peer's. */
const MAX_HELLOS = 2;

/** A duplex over a port, with credit-based flow control in each direction. */
export class PortDuplex implements Duplex {
  /** Writes are copied: they are often part of a larger buffer that must not be transferred. */
  readonly returnsBuffers = true;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #link: PortLink;
  readonly #window: number;
  #source!: ReadableStreamDefaultController<Uint8Array>;
  #sink!: WritableStreamDefaultController;
  /** How many bytes the peer may still send. */
  #granted: number;
  /** How many bytes this end may still send, and the peer's window: 0 until its hello arrives. */
  #credit = 0;
  #peerWindow = 0;
  #hellos = 0;
  #writesInARow = 0;
  /** Wakes the write that is waiting for credit. */
  #wakeUp: () => void = () => {};
  #peerEnded = false;
  #readDone = false;
  #writeDone = false;
  /** Why writing is impossible, and why the connection broke. */
  #writeError: TransportError | undefined;
  #error: TransportError | undefined;

  constructor(port: AnyPort, window: number) {
    this.#window = this.#granted = window;
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#source = controller),
      pull: () => this.#grant(),
      cancel: () => this.#stop(),
    }, { highWaterMark: window, size: (chunk) => chunk.length });
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#sink = controller;
        // An abort must not wait for a write that waits for credit. The stream already knows,
        // and Node 20 fails an assertion if its controller is errored again.
        const { signal } = controller;
        signal.addEventListener("abort", () => {
          this.#break(brokenOff(signal.reason), toReason(signal.reason));
        });
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#end(),
    });
    this.#link = new PortLink(port, {
      onMessage: (data) => this.#onMessage(data),
      onLost: (error) => this.#fail(error),
    });
    this.#post({ kind: "hello", window, heard: false });
  }

  #onMessage(data: unknown): void {
    this.#writesInARow = 0;
    const frame = toFrame(data);
    const wrong = !frame
      ? "what it posted is no message of ours"
      : frame instanceof ArrayBuffer
      ? this.#onBytes(frame)
      : this.#onFrame(frame);
    if (wrong) this.#fail(violation(wrong), wrong);
  }

  /** Returns what is wrong, if anything is. */
  #onBytes(bytes: ArrayBuffer): string | undefined {
    if (this.#peerEnded) return "it sent bytes after its end";
    const { byteLength } = bytes;
    if (byteLength > this.#granted) {
      return `it sent ${byteLength} bytes where ${this.#granted} were granted`;
    }
    this.#granted -= byteLength;
    if (!this.#readDone) this.#source.enqueue(new Uint8Array(bytes));
  }

  /** Returns what is wrong, if anything is. */
  #onFrame(frame: Frame): string | undefined {
    switch (frame.kind) {
      case "hello":
        if (++this.#hellos > MAX_HELLOS) return "it said hello again and again";
        if (!frame.heard) this.#post({ kind: "hello", window: this.#window, heard: true });
        if (this.#peerWindow === 0) this.#credit = this.#peerWindow = frame.window;
        // The peer may not have been listening yet when we stopped reading.
        if (this.#readDone && !this.#peerEnded) this.#post({ kind: "stop" });
        break;
      case "grant":
        this.#credit += frame.bytes;
        if (this.#credit > this.#peerWindow) return "it granted more than its window";
        break;
      case "end":
        if (this.#peerEnded) return "it ended twice";
        this.#peerEnded = true;
        if (!this.#readDone) {
          this.#source.close();
          this.#readDone = true;
        }
        break;
      case "stop":
        if (!this.#writeDone) {
          this.#writeError = reset("the other end reads no more");
          this.#writeDone = true;
          this.#sink.error(this.#writeError);
        }
        break;
      case "abort":
        this.#fail(reset(`the other end aborted${frame.message && `: ${frame.message}`}`));
    }
    this.#wakeUp();
    this.#releaseIfDone();
  }

  /** Grants what has been read, once it is half of the window. */
  #grant(): void {
    if (this.#readDone) return;
    const bytes = this.#source.desiredSize! - this.#granted;
    if (bytes < this.#window / 2) return;
    this.#granted += bytes;
    this.#post({ kind: "grant", bytes });
  }

  #stop(): void {
    this.#readDone = true;
    if (!this.#peerEnded) this.#post({ kind: "stop" });
    this.#releaseIfDone();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      if (this.#credit === 0) await this.#until(() => this.#credit > 0);
      const end = Math.min(at + this.#credit, chunk.length);
      const copy = new Uint8Array(end - at);
      copy.set(chunk.subarray(at, end));
      this.#credit -= copy.length;
      this.#post(copy.buffer, [copy.buffer]);
      at = end;
    }
    // Otherwise writes with credit would starve timers and other ports.
    if (++this.#writesInARow < WRITES_A_TURN) return;
    this.#writesInARow = 0;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  async #end(): Promise<void> {
    // A peer that is not listening yet would miss it.
    await this.#until(() => this.#peerWindow > 0);
    this.#post({ kind: "end" });
    this.#writeDone = true;
    this.#releaseIfDone();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.#writeError) {
      await new Promise<void>((resolve) => this.#wakeUp = resolve);
    }
    if (this.#writeError) throw this.#writeError;
  }

  #post(message: Frame | ArrayBuffer, transfer?: ArrayBuffer[]): void {
    try {
      this.#link.post(message, transfer);
    } catch (cause) {
      this.#fail(new TransportError("other", "Cannot post to the port", { cause }));
    }
  }

  /** Something other than our own abort ended it; `tell` is a message for the peer. */
  #fail(error: TransportError, tell?: string): void {
    const sinkOpen = !this.#writeDone;
    if (this.#break(error, tell) && sinkOpen) this.#sink.error(error);
  }

  /** Ends both directions; returns `false` if they had already ended. */
  #break(error: TransportError, tell?: string): boolean {
    if (this.#error || (this.#readDone && this.#writeDone)) return false;
    this.#error = this.#writeError = error;
    if (!this.#readDone) this.#source.error(error);
    this.#readDone = this.#writeDone = true;
    if (tell !== undefined) this.#post({ kind: "abort", message: tell });
    this.#link.release();
    this.#wakeUp();
    return true;
  }

  #releaseIfDone(): void {
    if (this.#readDone && this.#writeDone && !this.#error) this.#link.release();
  }
}

function reset(why: string): TransportError {
  return new TransportError("reset", `The connection was reset: ${why}`);
}
