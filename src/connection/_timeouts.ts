import { ConnectionError } from "../errors.ts";
import { Silence } from "../waits/silence.ts";
import { Patience, type PatienceLimits } from "./_patience.ts";

/** For how many bytes of a write the peer has `writeTimeout`. */
const WRITE_UNIT = 64 * 1024;
/**
 * A write that is taken within so many microtasks has not waited for the peer: Deno tells of any
 * by a promise. It needs no timer, which takes more than a kilobyte there.
 */
const SOON = 8;

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
  readonly arrived: string;
  /** How many bytes of what is being written the transport has not taken. */
  readonly unsent: number;
}

/** All time-outs of a connection, and its heartbeat: a timer for each that counts. */
export class Timeouts {
  readonly #options: TimeLimits;
  readonly #timed: Timed;
  /** Watches for the peer's silence, while we read. */
  readonly #idle: Silence | undefined;
  /**
   * Limits the peer's time for a message. There is one until the first message is there, and from
   * when one has arrived in part: most connections need none, nor its timer, between the two.
   */
  #patience: Patience | undefined;
  /**
   * Limits the peer's time to read what is written, of which so much was left at the last look,
   * or -1 before the first. Made when a write has to wait for the peer, which most have not.
   */
  #write: Silence | undefined;
  #lastUnsent = -1;
  /** How many bytes have not been taken at once. */
  #pending = 0;
  /** Whether the first message is there. */
  #begun = false;
  #stopped = false;
  /** Watches for our own silence, for the heartbeat. */
  readonly #quiet: Silence | undefined;

  constructor(options: TimeLimits, heartbeat: number | undefined, timed: Timed) {
    this.#options = options;
    this.#timed = timed;
    const { idleTimeout, firstMessageTimeout } = options;
    if (idleTimeout !== undefined) this.#idle = new Silence(idleTimeout, this);
    this.#idle?.touch();
    if (firstMessageTimeout > 0) this.#patience = new Patience(options, this);
    if (heartbeat !== undefined) this.#quiet = new Silence(heartbeat, this);
    this.#quiet?.touch();
  }

  /** The wait for bytes begins; `decoded` messages are complete, and one may be `incomplete`. */
  onReading(decoded: number, incomplete: boolean): void {
    this.#idle?.touch();
    if (!this.#begun && decoded > 0) {
      this.#begun = true;
      this.#patience?.stop();
      this.#patience = undefined;
    }
    if (incomplete && !this.#stopped) this.#patience ??= new Patience(this.#options, this);
    this.#patience?.waiting(decoded, incomplete);
  }

  /** Bytes, or the peer's end, have arrived. */
  onRead(): void {
    this.#idle?.hold();
    this.#patience?.passing();
  }

  /** Bytes are about to be written. */
  onWrite(): void {
    this.#quiet?.touch();
  }

  /** So many have not been taken at once: the wait for that begins. */
  onPending(bytes: number): void {
    if (this.#options.writeTimeout === 0 || this.#stopped) return;
    this.#pending = bytes;
    let ticks = 0;
    const look = () => {
      if (this.#pending === 0) return;
      if (++ticks < SOON) queueMicrotask(look);
      else this.#onWait();
    };
    queueMicrotask(look);
  }

  /** A write waits for the peer. */
  #onWait(): void {
    if (this.#stopped) return;
    this.#lastUnsent = -1;
    this.#write ??= new Silence(this.#options.writeTimeout, this);
    this.#write.touch(1 + Math.floor(this.#pending / WRITE_UNIT));
  }

  /** The transport has taken them. */
  onTaken(): void {
    this.#pending = 0;
    this.#write?.hold();
  }

  /** The connection has ended. */
  stop(): void {
    this.#stopped = true;
    this.#idle?.stop();
    this.#patience?.stop();
    this.#write?.stop();
    this.#quiet?.stop();
  }

  /** One of them is over. */
  onSilence(silence: Silence): void {
    if (silence === this.#quiet) this.#timed.beat();
    else if (silence === this.#idle) this.#onIdle();
    else this.#onUnread();
  }

  #onIdle(): void {
    const message = `The peer has sent nothing for idleTimeout, ${this.#options.idleTimeout} ms`;
    this.#timed.fail(new ConnectionError("idle-timeout", message));
  }

  /** The peer takes too long over a message. */
  onLate(option: keyof PatienceLimits, limit: number): void {
    const what = option === "messageTimeout" ? "finished a message" : "begun its first message";
    const message = `The peer has not ${what} within ${option}, ${limit} ms`;
    this.#timed.fail(new ConnectionError("message-timeout", message + this.#timed.arrived));
  }

  #onUnread(): void {
    // Progress, however slow, is not silence.
    const unsent = this.#timed.unsent;
    const progress = this.#lastUnsent < 0 || unsent < this.#lastUnsent;
    this.#lastUnsent = unsent;
    if (progress && unsent > 0) return;
    const { writeTimeout } = this.#options;
    const message = "The peer has not read what was written within writeTimeout, " +
      `${writeTimeout} ms`;
    this.#timed.fail(new ConnectionError("write-timeout", message));
  }
}
