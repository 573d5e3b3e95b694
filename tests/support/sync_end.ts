import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { concat } from "@std/bytes";
import type { Duplex, Receiver, Transport, TransportError } from "../../mod.ts";
import { soon, until } from "./within.ts";

/** What a test wants to do from within a callback. */
export type Hooks = { [Name in keyof Receiver]?: Receiver[Name] };

/**
 * One end of a pair, held by its synchronous face. Every call is checked against the
 * contract, and what was wrong is kept for {@linkcode SyncEnd.check}, as nothing may be
 * thrown into a transport.
 */
export class SyncEnd implements Receiver {
  readonly transport: Transport;
  readonly hooks: Hooks = {};
  readonly chunks: Uint8Array[] = [];
  ended = false;
  drains = 0;
  lost: TransportError | undefined;
  readonly #copies: Uint8Array[] = [];
  readonly #wrong: string[] = [];
  #calling = false;
  #flowing = false;
  #waits = false;
  #over = false;

  constructor(duplex: Duplex) {
    this.transport = this.#call(() => duplex.attach!(this));
  }

  onBytes(bytes: Uint8Array): void {
    this.#called("onBytes", this.#flowing && !this.ended);
    if (bytes.length === 0) this.#wrong.push("onBytes without bytes");
    // Not one of its subclasses: `slice` of a Buffer is no copy.
    if (Object.getPrototypeOf(bytes) !== Uint8Array.prototype) this.#wrong.push("a subclass");
    this.chunks.push(bytes);
    this.#copies.push(bytes.slice());
    this.hooks.onBytes?.(bytes);
  }

  onEnd(): void {
    this.#called("onEnd", this.#flowing && !this.ended);
    this.ended = true;
    this.hooks.onEnd?.();
  }

  onDrain(): void {
    this.#called("onDrain", this.#waits);
    this.#waits = false;
    this.drains++;
    this.hooks.onDrain?.();
  }

  onLost(error: TransportError): void {
    this.#called("onLost", true);
    this.lost = error;
    this.#over = true;
    this.hooks.onLost?.(error);
  }

  write(bytes: Uint8Array): boolean {
    assert(!this.#waits, "a test wrote while a write waited");
    // What follows from it may be called before the answer is known.
    const taken = this.#call(() => this.transport.write(bytes));
    this.#waits = !taken;
    return taken;
  }

  /** Writes, and waits until it is taken. */
  async send(bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0 && !this.write(bytes)) await this.drained();
  }

  async sendEnd(): Promise<void> {
    const taken = this.#call(() => this.transport.end());
    this.#waits = !taken;
    if (!taken) await this.drained();
  }

  /** Waits until a write can follow. */
  async drained(): Promise<void> {
    await until(() => !this.#waits || this.#over, () => "a drain");
    if (this.lost) throw this.lost;
  }

  /** Whether a write or an end waits to be taken. */
  get waits(): boolean {
    return this.#waits;
  }

  pause(): void {
    this.#call(() => this.transport.pause());
    this.#flowing = false;
  }

  resume(): void {
    this.#call(() => this.transport.resume());
    this.#flowing = true;
  }

  abort(reason?: unknown): void {
    this.#call(() => this.transport.abort(reason));
    this.#over = true;
  }

  /** How many bytes have come. */
  get count(): number {
    return this.chunks.reduce((sum, { length }) => sum + length, 0);
  }

  /** Waits for bytes, and takes them all. */
  async receive(length: number): Promise<Uint8Array> {
    await until(
      () => this.count >= length || this.#over,
      () => `${length} bytes, of which ${this.count} came`,
    );
    return this.take();
  }

  async receiveAll(): Promise<Uint8Array> {
    await until(() => this.ended || this.#over, () => `the end, after ${this.count} bytes`);
    if (this.lost) throw this.lost;
    return this.take();
  }

  /** What has come, which must not have changed since. */
  take(): Uint8Array {
    const bytes = concat(this.chunks.splice(0));
    assertEquals(bytes.length, this.#copies.reduce((sum, { length }) => sum + length, 0));
    const copy = concat(this.#copies.splice(0));
    for (let at = 0; at < copy.length; at++) {
      if (bytes[at] !== copy[at]) throw new Error(`Byte ${at} changed after it was handed over`);
    }
    return bytes;
  }

  /** Waits for the loss. */
  async broken(): Promise<TransportError> {
    await soon(until(() => this.lost !== undefined, () => "the loss"), "the loss");
    return this.lost!;
  }

  /** Fails if a call broke the contract. */
  check(): void {
    assertEquals(this.#wrong, []);
  }

  /** Asserts that it is not being called from within a method of the transport, and so on. */
  #called(name: string, allowed: boolean): void {
    if (this.#calling) this.#wrong.push(`${name} from within a method`);
    if (this.#over) this.#wrong.push(`${name} after it was over`);
    if (!allowed) this.#wrong.push(`${name} out of turn`);
  }

  #call<T>(method: () => T): T {
    // From within a callback of ours too.
    assertStrictEquals(this.#calling, false);
    this.#calling = true;
    try {
      return method();
    } finally {
      this.#calling = false;
    }
  }
}
