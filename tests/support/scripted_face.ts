import type { Duplex, Receiver, Transport, TransportError } from "../../mod.ts";

/** What a {@linkcode ScriptedFace} does with a write: takes it at once, in a later turn, or never. */
export type Takes = () => "at once" | "later" | "never";

/**
 * A transport with a synchronous face that a test drives by hand, and that fails whoever does
 * not keep the contract. Its streams cannot be had.
 */
export class ScriptedFace implements Duplex, Transport {
  readonly returnsBuffers = true;
  /** A copy of each chunk that was written. */
  readonly chunks: Uint8Array[] = [];
  /** What has happened besides. */
  readonly events: ("end" | "abort")[] = [];
  /** What the owner did wrong. */
  readonly faults: string[] = [];
  unsent = 0;
  readonly #takes: Takes;
  #receiver: Receiver | undefined;
  #paused = true;
  /** What has arrived and not been delivered: chunks, the peer's end. */
  readonly #arrived: (Uint8Array | "end")[] = [];
  #waits = false;
  #ended = false;
  #over = false;
  #calling = false;

  constructor(takes: Takes = () => "at once") {
    this.#takes = takes;
  }

  get readable(): never {
    throw new Error("the streams of this duplex were asked for");
  }

  get writable(): never {
    throw new Error("the streams of this duplex were asked for");
  }

  attach(receiver: Receiver): Transport {
    if (this.#receiver) throw new TypeError("attached twice");
    this.#receiver = receiver;
    return this;
  }

  /** Bytes arrive, or the peer's end: delivered at once unless it is paused. */
  arrive(bytes: Uint8Array | "end"): void {
    this.#arrived.push(bytes);
    this.#deliver();
  }

  /** The transport breaks. */
  break(error: TransportError): void {
    if (this.#over) return;
    this.#over = true;
    this.#receiver!.onLost(error);
  }

  /** Whether it is paused, and what waits for it to go on. */
  get paused(): boolean {
    return this.#paused;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#waits || this.#ended) {
      this.#fault("it wrote before the last write was taken, or after its end");
    }
    if (bytes.length === 0) this.#fault("it wrote nothing");
    this.chunks.push(bytes.slice());
    return this.#taken();
  }

  end(): boolean {
    if (this.#waits || this.#ended) {
      this.#fault("it ended before the last write was taken, or twice");
    }
    this.#ended = true;
    this.events.push("end");
    return this.#taken();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#arrived.length > 0) queueMicrotask(() => this.#deliver());
  }

  abort(): void {
    this.#over = true;
    this.events.push("abort");
  }

  #fault(what: string): void {
    this.faults.push(what);
  }

  #taken(): boolean {
    if (this.#over) return false;
    const takes = this.#takes();
    if (takes === "at once") return true;
    this.#waits = true;
    if (takes === "never") return false;
    setTimeout(() => {
      this.#waits = false;
      if (!this.#over) this.#receiver!.onDrain();
    }, 0);
    return false;
  }

  #deliver(): void {
    // Not within itself: what the receiver does may let more arrive.
    if (this.#calling) return;
    this.#calling = true;
    try {
      while (!this.#paused && !this.#over && this.#arrived.length > 0) {
        const next = this.#arrived.shift()!;
        if (next === "end") this.#receiver!.onEnd();
        else this.#receiver!.onBytes(next);
      }
    } finally {
      this.#calling = false;
    }
  }
}
