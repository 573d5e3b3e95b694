import { ConnectionError } from "../errors.ts";
import { Patience, type PatienceLimits } from "./_patience.ts";
import { Silence } from "./_silence.ts";

/** For how many bytes of a write the peer has `writeTimeout`. */
const WRITE_UNIT = 64 * 1024;

/** What a connection may wait for, in milliseconds; 0 or `undefined` is no limit. */
export interface TimeLimits extends PatienceLimits {
  readonly idleTimeout?: number | undefined;
  readonly writeTimeout: number;
}

/** What the time-outs ask of their connection, and tell it. */
export interface Timed {
  /** The peer has taken too long. */
  fail(error: ConnectionError): void;
  /** This end has sent nothing for a heartbeat's interval. */
  beat(): void;
  /** Describes what has arrived, if that is not even one message. */
  arrived(): string;
  /** How many bytes of what is being written the transport has not taken. */
  unsent(): number;
}

/** All time-outs of a connection, and its heartbeat: a timer for each that is set. */
export class Timeouts {
  readonly #options: TimeLimits;
  readonly #timed: Timed;
  /** Watches for the peer's silence, while we read. */
  readonly #idle: Silence | undefined;
  /** Limits the peer's time for a message. */
  readonly #patience: Patience | undefined;
  /** Limits the peer's time to read what is written, of which so much was left at the last look. */
  readonly #write: Silence | undefined;
  #lastUnsent = Infinity;
  /** Watches for our own silence, for the heartbeat. */
  readonly #quiet: Silence | undefined;

  constructor(options: TimeLimits, heartbeat: number | undefined, timed: Timed) {
    this.#options = options;
    this.#timed = timed;
    const { idleTimeout, writeTimeout, firstMessageTimeout, messageTimeout } = options;
    if (idleTimeout !== undefined) this.#idle = new Silence(idleTimeout, () => this.#onIdle());
    if (firstMessageTimeout || messageTimeout) {
      this.#patience = new Patience(options, (option, limit) => this.#onLate(option, limit));
    }
    if (writeTimeout > 0) this.#write = new Silence(writeTimeout, () => this.#onUnread());
    this.#write?.hold();
    if (heartbeat !== undefined) this.#quiet = new Silence(heartbeat, () => timed.beat());
  }

  /** The wait for bytes begins; `decoded` messages are complete, and one may be `incomplete`. */
  onReading(decoded: number, incomplete: boolean): void {
    this.#idle?.touch();
    this.#patience?.waiting(decoded, incomplete);
  }

  /** Bytes, or the peer's end, have arrived. */
  onRead(): void {
    this.#idle?.hold();
    this.#patience?.passing();
  }

  /** So many bytes are about to be written. */
  onWrite(bytes: number): void {
    this.#quiet?.touch();
    this.#lastUnsent = Infinity;
    this.#write?.touch(1 + Math.floor(bytes / WRITE_UNIT));
  }

  /** The transport has taken them. */
  onTaken(): void {
    this.#write?.hold();
  }

  /** The connection has ended. */
  stop(): void {
    this.#idle?.stop();
    this.#patience?.stop();
    this.#write?.stop();
    this.#quiet?.stop();
  }

  #onIdle(): void {
    const message = `The peer has sent nothing for idleTimeout, ${this.#options.idleTimeout} ms`;
    this.#timed.fail(new ConnectionError("idle-timeout", message));
  }

  #onLate(option: keyof PatienceLimits, limit: number): void {
    const what = option === "messageTimeout" ? "finished a message" : "begun its first message";
    const message = `The peer has not ${what} within ${option}, ${limit} ms`;
    this.#timed.fail(new ConnectionError("message-timeout", message + this.#timed.arrived()));
  }

  #onUnread(): void {
    // Progress, however slow, is not silence.
    const unsent = this.#timed.unsent();
    const progress = unsent < this.#lastUnsent;
    this.#lastUnsent = unsent;
    if (progress && unsent > 0) return;
    const { writeTimeout } = this.#options;
    const message = "The peer has not read what was written within writeTimeout, " +
      `${writeTimeout} ms`;
    this.#timed.fail(new ConnectionError("write-timeout", message));
  }
}
