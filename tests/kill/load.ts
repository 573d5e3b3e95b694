// Calls without a pause over a pool to servers that are killed, and what became of each.
import { readFileSync } from "node:fs";
import { json } from "@protosocket/protosocket/json";
import { RpcClient, RpcError, type RpcMessages, RpcPool } from "@protosocket/protosocket/rpc";
import { sockets } from "../../examples/support/sockets.ts";
import { Program } from "../support/program.ts";
import { soon } from "../support/within.ts";
import { messages, type Request, type Response } from "./messages.ts";

const IN_FLIGHT = 128;

/** Starts a server that keeps a journal; with port 0 at a port of the system's choice. */
export async function startServer(port: number, journal: string): Promise<[Program, number]> {
  const program = new Program("tests/kill/server.ts", [String(port), journal, "2"]);
  return [program, (await program.listening()).port];
}

/** The requests that a server has been given, in all its lives. */
export function readJournal(path: string): number[] {
  return readFileSync(path, "utf8").split("\n").filter((line) => line !== "").map(Number);
}

/** A pool, and calls over it until it is stopped. */
export class Load {
  offered = 0;
  /** How many attempts were made, sent or queued. */
  attempts = 0;
  /** Calls of which an attempt was made. */
  readonly tried: Set<number> = new Set();
  /** The answers that have come, for whom nobody waited as well: the number of each request. */
  readonly heard: number[] = [];
  readonly answered: number[] = [];
  readonly failed: Map<number, unknown> = new Map();
  readonly #pool: RpcPool<Request, Response, number>;
  readonly #workers: Promise<void>[];
  #stopped = false;
  #onAnswer: () => void = () => {};
  #onConnected: (port: number) => void = () => {};

  constructor(ports: readonly number[], idempotent: boolean) {
    const counted: RpcMessages<Request, Response> = {
      ...messages,
      request: {
        ...messages.request,
        setId: (message, id) => {
          this.attempts++;
          this.tried.add(message.body!);
          message.id = id;
        },
      },
      response: {
        ...messages.response,
        // Each answer is looked at once.
        id: (message) => {
          if (message.body !== undefined) this.heard.push(message.body);
          return message.id;
        },
      },
    };
    this.#pool = new RpcPool({
      endpoints: ports,
      connect: async (port, { signal }) => {
        const { connect } = await sockets();
        const duplex = await connect({ port, signal });
        return new RpcClient(duplex, { codec: json<Response, Request>(), messages: counted });
      },
      backoff: { max: 200 },
      observer: { onConnected: (port) => this.#onConnected(port) },
    });
    this.#workers = Array.from({ length: IN_FLIGHT }, () => this.#work(idempotent));
  }

  async #work(idempotent: boolean): Promise<void> {
    while (!this.#stopped) {
      const number = this.offered++;
      try {
        const { body } = await this.#pool.unary({ id: 0, code: 0, body: number }, { idempotent });
        if (body !== number) throw new Error(`${number} was answered with ${body}`);
        this.answered.push(number);
        this.#onAnswer();
      } catch (error) {
        this.failed.set(number, error);
        // Nobody who is told that no server is there asks again at once.
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  /** Waits until so many more calls have been answered. */
  async more(count: number): Promise<void> {
    const wanted = this.answered.length + count;
    const enough = new Promise<void>((resolve) => {
      this.#onAnswer = () => this.answered.length >= wanted && resolve();
    });
    await soon(enough, `${count} more answers`);
  }

  /** Resolves when the pool has connected to an endpoint again. */
  connected(port: number): Promise<void> {
    const connected = new Promise<void>((resolve) => {
      this.#onConnected = (to) => to === port && resolve();
    });
    return soon(connected, `a connection to ${port}`);
  }

  /** Begins no more calls, and waits for the ends of all. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await soon(Promise.all(this.#workers), "the end of every call");
    await soon(this.#pool.close(), "the end of the pool");
  }

  /** The figures, and how often calls failed for which reason. */
  get figures(): string {
    const codes: Record<string, number> = {};
    for (const error of this.failed.values()) {
      const name = error instanceof RpcError ? `${error.code}, sent ${error.sent}` : String(error);
      codes[name] = (codes[name] ?? 0) + 1;
    }
    return `${this.offered} calls offered, ${this.answered.length} answered, ` +
      `${this.failed.size} failed ${JSON.stringify(codes)}, ` +
      `${this.attempts - this.tried.size} retried`;
  }
}
