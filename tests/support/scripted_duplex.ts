import { concat } from "@std/bytes";
import type { Duplex } from "../../mod.ts";
import { type Deferred, deferred, soon, turn } from "./within.ts";

/**
 * A transport that a test drives by hand: what arrives, and when writes settle. `takes` tells
 * of each write whether that is at once or in a later turn.
 */
export class ScriptedDuplex implements Duplex {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  /** The chunks that were written. */
  readonly chunks: Uint8Array[] = [];
  /** What has happened to the streams besides. */
  readonly events: ("pull" | "cancel" | "close" | "abort")[] = [];
  #source!: ReadableStreamDefaultController<Uint8Array>;
  #gate: Deferred<void> | undefined;
  #changed = deferred();

  constructor(takes: () => "at once" | "later" = () => "at once") {
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#source = controller),
      pull: () => this.#note("pull"),
      cancel: () => this.#note("cancel"),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<Uint8Array>({
      start: ({ signal }) =>
        signal.addEventListener("abort", () => this.#gate?.reject(signal.reason)),
      write: (chunk) => {
        this.chunks.push(chunk);
        this.#change();
        return this.#gate?.promise ?? (takes() === "later" ? turn() : undefined);
      },
      close: () => this.#note("close"),
      abort: () => this.#note("abort"),
    });
  }

  /** All the bytes that were written. */
  get written(): Uint8Array {
    return concat(this.chunks);
  }

  /** Bytes arrive, as one chunk. */
  arrive(...bytes: number[]): void {
    this.#source.enqueue(new Uint8Array(bytes));
  }

  /** The peer ends. */
  end(): void {
    this.#source.close();
  }

  /** The transport breaks, as its readable tells. */
  break(error: unknown): void {
    this.#source.error(error);
  }

  /** Writes wait from now on. */
  block(): void {
    this.#gate ??= deferred();
  }

  /** The write that waits fails. */
  failWrite(error: unknown): void {
    this.#gate?.reject(error);
  }

  /** Writes go through again. */
  unblock(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** Waits until `condition` holds, looking again whenever something was written or happened. */
  async until(condition: () => boolean, what: string): Promise<void> {
    while (!condition()) await soon(this.#changed.promise, what);
  }

  #note(event: "pull" | "cancel" | "close" | "abort"): void {
    this.events.push(event);
    this.#change();
  }

  #change(): void {
    const { resolve } = this.#changed;
    this.#changed = deferred();
    resolve();
  }
}
