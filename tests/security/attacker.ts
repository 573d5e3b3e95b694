import { connect, type Socket } from "node:net";
import { Program } from "../support/program.ts";
import { soon, until } from "../support/within.ts";

/** How a server is: after a garbage collection. */
export interface Health {
  /** Bytes of memory that the process has. */
  readonly rss: number;
  /** Bytes that live objects and buffers take. */
  readonly heap: number;
  /** Sockets that the process has open. */
  readonly sockets: number;
  readonly connections: number;
  readonly refused: number;
  /** Requests that reached the handler. */
  readonly handled: number;
  /** Bytes that it has received. */
  readonly received: number;
  /** How many connections have ended, by how they did. */
  readonly ended: Readonly<Record<string, number>>;
  /** Whether all objects have got a property of that name. */
  readonly polluted: boolean;
}

const MIB = 2 ** 20;

/** What a {@linkcode Victim} serves. */
export type VictimKind = "echo" | "tls" | "websocket" | "rpc";

/** A server in a process of its own, for hostile peers. */
export class Victim implements AsyncDisposable {
  readonly port: number;
  readonly #program: Program;
  #asked = 0;

  private constructor(program: Program, port: number) {
    this.#program = program;
    this.port = port;
  }

  static async start(kind: VictimKind, options: object = {}): Promise<Victim> {
    const program = new Program("tests/security/victim.ts", [kind, JSON.stringify(options)]);
    const { port } = await program.listening();
    return new Victim(program, port);
  }

  async health(): Promise<Health> {
    const number = ++this.#asked;
    this.#program.type("health");
    const [, json] = await this.#program.until(new RegExp(`^health ${number} (.*)\n`, "m"));
    return JSON.parse(json!);
  }

  /** Waits until it is so. */
  async until(so: (health: Health) => boolean, what: string): Promise<Health> {
    let health!: Health;
    const look = async () => so(health = await this.health());
    await until(look, () => `${what}: ${JSON.stringify(health)}`);
    return health;
  }

  /** Waits until so many connections are left, and no more sockets than before. */
  left(count: number, before: Health): Promise<Health> {
    return this.until(
      ({ connections, sockets }) => connections === count && sockets <= before.sockets,
      `${count} connections and ${before.sockets} sockets are left`,
    );
  }

  /** Waits until nothing moves any more: neither `count`, nor what the server does. */
  async stalled(count: () => number): Promise<Health> {
    const moved = ({ handled, received, connections }: Health) =>
      [count(), handled, received, connections].join();
    let health = await this.health();
    for (let last = "", unchanged = 0; unchanged < 10;) {
      last = moved(health);
      // A look costs the server a collection; it is to get on with its work in between.
      await new Promise((resolve) => setTimeout(resolve, 50));
      health = await this.health();
      unchanged = moved(health) === last ? unchanged + 1 : 0;
    }
    return health;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }
}

/** A line about a server before and after. */
export function print(what: string, before: Health, after: Health): void {
  const memory = ({ rss, heap }: Health) =>
    `${(rss / MIB).toFixed(0)} MiB (${(heap / MIB).toFixed(1)} MiB live)`;
  const sockets = `${before.sockets} to ${after.sockets} sockets`;
  console.log(`figures: ${what}: ${memory(before)} to ${memory(after)}, ${sockets}`);
}

/** Fails unless a process has grown by less than so many MiB. */
export function assertGrewLess(mib: number, before: Health, after: Health): void {
  const grown = (after.rss - before.rss) / MIB;
  if (grown >= mib) throw new Error(`The server grew by ${grown.toFixed(0)} of ${mib} MiB allowed`);
}

/** A peer of which every byte is in the hands of a test. */
export class Attacker {
  readonly socket: Socket;
  /** Bytes that have come. */
  received: Uint8Array[] = [];
  /** How the connection ended: "end", "close", or the code of an error. */
  readonly ended: Promise<string>;
  #onData: () => void = () => {};

  constructor(socket: Socket, reads: boolean) {
    this.socket = socket;
    this.ended = new Promise((resolve) => {
      socket
        .on("end", () => resolve("end"))
        .on("error", (error: Error & { code?: string }) => resolve(error.code ?? error.message))
        .on("close", () => resolve("close"));
    });
    if (reads) {
      socket.on("data", (bytes) => {
        this.received.push(bytes as Uint8Array);
        this.#onData();
      });
    }
  }

  /** Connects; with `reads` false it never takes a byte. */
  static async dial(
    port: number,
    { reads = true }: { readonly reads?: boolean } = {},
  ): Promise<Attacker> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    if (!reads) socket.pause();
    const attacker = new Attacker(socket, reads);
    const connected = new Promise<void>((resolve) => socket.once("connect", () => resolve()));
    const refused = attacker.ended.then((how) => {
      throw new Error(`No connection: ${how}`);
    });
    refused.catch(() => {});
    await soon(Promise.race([connected, refused]), "a connection");
    return attacker;
  }

  /** Resolves when the system has taken the bytes, or the connection has ended. */
  async write(bytes: Uint8Array): Promise<void> {
    const taken = new Promise<void>((resolve) => this.socket.write(bytes, () => resolve()));
    await Promise.race([taken, this.ended]);
  }

  /** Waits until so many bytes have come. */
  async receive(count: number): Promise<Uint8Array> {
    const length = () => this.received.reduce((sum, { length }) => sum + length, 0);
    await this.#until(() => length() >= count, `${count} bytes`);
    return Uint8Array.from(this.received.flatMap((bytes) => [...bytes]));
  }

  /** Waits until what has come, read as Latin-1, is so. */
  until(so: (text: string) => boolean, what: string): Promise<void> {
    const text = () => this.received.map((bytes) => String.fromCharCode(...bytes)).join("");
    return this.#until(() => so(text()), what);
  }

  async #until(so: () => boolean, what: string): Promise<void> {
    while (!so()) {
      const more = new Promise<void>((resolve) => this.#onData = resolve);
      await soon(Promise.race([more, this.ended.then(refuse)]), what);
    }
  }

  /** That a message is echoed: the server is well. */
  async assertEchoed(): Promise<void> {
    this.received = [];
    await this.write(Uint8Array.of(2, 104, 105));
    const bytes = await this.receive(3);
    if (String(bytes) !== "2,104,105") throw new Error(`Not an echo: ${bytes}`);
  }

  /** How it ended; fails if it does not. */
  over(what = "the connection"): Promise<string> {
    return soon(this.ended, `the server to end ${what}`);
  }

  drop(): void {
    this.socket.destroy();
  }
}

/** What an attacker offers: how many bytes the system has taken, and the end of it. */
export interface Offer {
  taken: number;
  done: Promise<void>;
}

/** Offers the same bytes so many times. */
export function offer(attacker: Attacker, bytes: Uint8Array, times: number): Offer {
  const offered = { taken: 0, done: Promise.resolve() };
  let over = false;
  attacker.ended.then(() => over = true);
  offered.done = (async () => {
    for (let i = 0; i < times && !over; i++) {
      await attacker.write(bytes);
      if (!over) offered.taken += bytes.length;
    }
  })();
  return offered;
}

function refuse(how: string): never {
  throw new Error(`The connection ended while waiting: ${how}`);
}
