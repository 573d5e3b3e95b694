import type { VirtualClock } from "./clock.ts";

/** How the bytes of one direction travel; times in milliseconds of virtual time. */
export interface Way {
  /** How many bytes may be under way or unread. */
  readonly capacity: number;
  readonly latency: () => number;
  /** The size of the next piece that arrives. */
  readonly piece: () => number;
}

/** How many pieces arrive at a time, at most. */
const PIECES = 32;
/** Bytes that are allocated at a time: most of a run went into memory for each small piece. */
const SLAB = 16 * 1024;

/** Pieces that arrive at once, one after the other: where the first begins, and each ends. */
interface Arrival {
  readonly slab: Uint8Array;
  from: number;
  readonly ends: readonly number[];
}

/** One direction of a connection: what is written at one end arrives at the other. */
export class Pipe {
  /** Bytes under way or unread. */
  held = 0;
  /** Our end was sent, and everything including it has been taken by the reader. */
  finished = false;
  /** Told when bytes or the end have arrived. */
  onArrival: () => void = () => {};
  /** Told when there is room again. */
  onRoom: () => void = () => {};
  readonly #clock: VirtualClock;
  readonly #way: Way;
  readonly #arrived: Arrival[] = [];
  /** Where written bytes are copied to, and how much of it is used. It is not written twice. */
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;
  /** How many pieces of the first of those that have arrived have been taken. */
  #taken = 0;
  readonly #underWay: (() => void)[] = [];
  /** Bytes taken, of which the writer does not know yet. */
  #freed = 0;
  #endArrived = false;
  #arrivesAt = 0;
  #stalledUntil = 0;
  #broken = false;

  constructor(clock: VirtualClock, way: Way) {
    this.#clock = clock;
    this.#way = way;
  }

  /** Takes as many of the bytes as there is room for, as a copy; returns how many. */
  write(bytes: Uint8Array): number {
    const room = this.#way.capacity - this.held;
    // As TCP does, or pieces would get smaller and smaller.
    if (this.#broken || room < Math.min(bytes.length, this.#way.capacity / 4)) return 0;
    const taken = Math.min(bytes.length, room);
    this.held += taken;
    // Copied once, for all pieces are views.
    const copy = this.#copy(taken < bytes.length ? bytes.subarray(0, taken) : bytes);
    const end = copy + taken;
    const slab = this.#slab;
    for (let at = copy; at < end;) {
      const from = at;
      const ends: number[] = [];
      // Several small pieces arrive at once, or each would cost a turn.
      for (let left = PIECES; left > 0 && at < end; left--) {
        at = Math.min(end, at + Math.max(1, this.#way.piece()));
        ends.push(at);
      }
      this.#arrive(() => void this.#arrived.push({ slab, from, ends }));
    }
    return taken;
  }

  /** Nothing more will be written. */
  end(): void {
    this.#arrive(() => {
      this.#endArrived = true;
    });
  }

  /** What has arrived next: bytes, `"end"`, or nothing yet. */
  take(): Uint8Array | "end" | undefined {
    this.#clock.work++;
    const bytes = this.#next();
    if (bytes === undefined) {
      if (!this.#endArrived) return undefined;
      this.finished = true;
      return "end";
    }
    if (this.#freed === 0) {
      this.#clock.arrives(this.#way.latency(), () => {
        this.held -= this.#freed;
        this.#freed = 0;
        if (!this.#broken) this.onRoom();
      });
    }
    this.#freed += bytes.length;
    return bytes;
  }

  #next(): Uint8Array | undefined {
    const arrival = this.#arrived[0];
    if (arrival === undefined) return undefined;
    const { slab, from, ends } = arrival;
    const end = ends[this.#taken++]!;
    arrival.from = end;
    if (this.#taken === ends.length) {
      this.#taken = 0;
      this.#arrived.shift();
    }
    return slab.subarray(from, end);
  }

  /** Copies what is written into the slab; returns where it begins. */
  #copy(bytes: Uint8Array): number {
    if (this.#slab.length - this.#used < bytes.length) {
      this.#slab = new Uint8Array(Math.max(SLAB, bytes.length));
      this.#used = 0;
    }
    const at = this.#used;
    this.#slab.set(bytes, at);
    this.#used += bytes.length;
    return at;
  }

  /** Nothing arrives for so long. */
  stall(ms: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.#clock.now + ms);
  }

  /** Everything under way or unread is lost. */
  break(): void {
    this.#broken = true;
    this.#arrived.length = this.#taken = 0;
    this.held = this.#freed = 0;
  }

  #arrive(arrived: () => void): void {
    const { now } = this.#clock;
    const at = Math.max(this.#arrivesAt, this.#stalledUntil, now + this.#way.latency());
    this.#arrivesAt = at;
    this.#underWay.push(arrived);
    this.#clock.arrives(at - now, () => this.#land());
  }

  #land(): void {
    if (this.#broken) return;
    const wait = this.#stalledUntil - this.#clock.now;
    if (wait > 0) return this.#clock.arrives(wait, () => this.#land());
    // The oldest, whichever of those that a stall has held back is due first.
    this.#underWay.shift()!();
    this.onArrival();
  }
}
