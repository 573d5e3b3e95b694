import {
  type Duplex,
  type Listener,
  type SocketDuplex,
  TransportError,
} from "@protosocket/protosocket";
import type { Random } from "../support/random.ts";
import type { VirtualClock } from "./clock.ts";
import { type End, streamFace, syncFace } from "./faces.ts";
import { Pipe, type Way } from "./pipe.ts";
import type { Trace } from "./trace.ts";

/** How all connections of a network are, as its seed has it. */
export interface NetworkOptions {
  readonly capacity: number;
  /** The shortest and longest time that something takes to arrive. */
  readonly latency: readonly [number, number];
  /** The largest piece that arrives. */
  readonly piece: number;
  /** Whether ends have the synchronous face, of 100. */
  readonly sync: number;
}

/** A connection in memory. */
export class Link {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly there: Pipe;
  readonly back: Pipe;
  /** Whether one of the ends, or the network, has broken it. */
  broken = false;
  readonly ends: [LinkEnd, LinkEnd];
  readonly #clock: VirtualClock;
  readonly #latency: () => number;

  constructor(name: string, from: string, to: string, clock: VirtualClock, way: Way) {
    this.name = name;
    this.from = from;
    this.to = to;
    this.#clock = clock;
    this.#latency = way.latency;
    this.there = new Pipe(clock, way);
    this.back = new Pipe(clock, way);
    this.ends = [
      new LinkEnd(this, this.back, this.there),
      new LinkEnd(this, this.there, this.back),
    ];
  }

  /** Whether neither end needs it any more. */
  get over(): boolean {
    return this.broken || this.there.finished && this.back.finished;
  }

  /** Breaks it: each end but `by` is told a moment later. */
  cut(by?: LinkEnd): void {
    if (this.broken) return;
    this.broken = true;
    for (const end of this.ends) {
      if (end !== by) this.#clock.arrives(this.#latency(), () => end.lose());
    }
  }

  stall(ms: number): void {
    this.there.stall(ms);
    this.back.stall(ms);
  }
}

class LinkEnd implements End {
  readonly inbound: Pipe;
  readonly outbound: Pipe;
  broken: TransportError | undefined;
  onBroken: (error: TransportError) => void = () => {};
  readonly #link: Link;

  constructor(link: Link, inbound: Pipe, outbound: Pipe) {
    this.#link = link;
    this.inbound = inbound;
    this.outbound = outbound;
  }

  abort(reason: unknown): void {
    if (this.broken) return;
    this.broken = new TransportError("aborted", "This end broke it off", { cause: reason });
    this.inbound.break();
    this.#link.cut(this);
  }

  /** It is told that the connection was broken. */
  lose(): void {
    if (this.broken) return;
    this.broken = new TransportError("reset", "The connection was reset");
    this.inbound.break();
    this.outbound.break();
    this.onBroken(this.broken);
  }
}

/** What somebody listens with, and how long new connections take to be accepted. */
interface Port {
  readonly push: (duplex: SocketDuplex, link: Link) => void;
}

/** Connections in memory between those who dial and those who listen, by name. */
export class MemoryNetwork {
  readonly links: Link[] = [];
  readonly #ports = new Map<string, Port>();
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #options: NetworkOptions;
  readonly #trace: Trace;

  constructor(clock: VirtualClock, random: Random, options: NetworkOptions, trace: Trace) {
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
    this.#trace = trace;
  }

  /** Connects; rejects with `refused` if nobody listens there, and when the signal fires. */
  async dial(from: string, to: string, signal?: AbortSignal): Promise<SocketDuplex> {
    const link = this.#link(from, to);
    await this.#clock.sleep(this.#latency());
    if (signal?.aborted) throw signal.reason;
    const port = this.#ports.get(to);
    if (port === undefined) throw new TransportError("refused", `Nobody listens at ${to}`);
    this.links.push(link);
    this.#trace.say(link.name, "connects", from, "to", to);
    port.push(this.#duplex(link, 1), link);
    return this.#duplex(link, 0);
  }

  /** Listens at a name until it is closed. */
  listen(name: string): Listener {
    const queue: { duplex: SocketDuplex; link: Link }[] = [];
    let wake: () => void = () => {};
    let closed = false;
    const port: Port = { push: (duplex, link) => (queue.push({ duplex, link }), wake()) };
    this.#ports.set(name, port);
    const close = () => {
      closed = true;
      if (this.#ports.get(name) === port) this.#ports.delete(name);
      for (const { link } of queue.splice(0)) link.ends[1].abort("The listener was closed");
      wake();
      return Promise.resolve();
    };
    async function* accept(): AsyncGenerator<SocketDuplex> {
      for (;;) {
        const next = queue.shift();
        if (next) yield next.duplex;
        else if (closed) return;
        else await new Promise<void>((resolve) => wake = resolve);
      }
    }
    return {
      address: { transport: "unix", path: name },
      close,
      [Symbol.asyncIterator]: accept,
      [Symbol.asyncDispose]: close,
    };
  }

  /** The links between two names that are not over; `from` may be left out. */
  between(from: string | undefined, to: string): Link[] {
    return this.links.filter((link) =>
      !link.over && link.to === to && (from === undefined || link.from === from)
    );
  }

  #latency(): number {
    const [least, most] = this.#options.latency;
    return least + this.#random.below(Math.ceil((most - least) * 10) + 1) / 10;
  }

  #link(from: string, to: string): Link {
    const way: Way = {
      capacity: this.#options.capacity,
      latency: () => this.#latency(),
      piece: () => 1 + this.#random.below(this.#options.piece),
    };
    return new Link(`link ${this.links.length + 1}`, from, to, this.#clock, way);
  }

  #duplex(link: Link, side: 0 | 1): SocketDuplex {
    const end = link.ends[side];
    const sync = this.#random.below(100) < this.#options.sync;
    const late = () => this.#random.below(8) === 0;
    let streams: Pick<Duplex, "readable" | "writable"> | undefined;
    const face = () => streams ??= streamFace(end);
    const duplex = {
      get readable() {
        return face().readable;
      },
      get writable() {
        return face().writable;
      },
      returnsBuffers: true,
    };
    if (!sync) return duplex;
    const attach: Duplex["attach"] = (receiver) => {
      if (streams) throw new TypeError("The streams are in use");
      return syncFace(end, this.#clock, late, receiver);
    };
    return Object.defineProperty(duplex, "attach", { value: attach, enumerable: true });
  }
}
