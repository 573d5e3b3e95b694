// The server and the client of a row, while they run.
import type { Result, Work } from "../work.ts";
import { Program } from "./program.ts";

/** What a piece of work took. */
export interface Measurement extends Result {
  /** Microseconds of processor time, of the whole piece. */
  readonly cpu: { readonly server: number; readonly client: number };
}

export class Pair {
  readonly server: Program;
  readonly client: Program;

  private constructor(server: Program, client: Program) {
    this.server = server;
    this.client = client;
  }

  static async start(server: readonly string[], client: readonly string[]): Promise<Pair> {
    const listening = new Program(server);
    try {
      const port = await listening.hear("listening ");
      return new Pair(listening, new Program([...client, port]));
    } catch (error) {
      listening.kill("SIGKILL");
      throw error;
    }
  }

  async run(work: Work): Promise<Measurement> {
    const { server, client } = this;
    client.type(JSON.stringify(work));
    await client.hear("begin");
    const before = { server: server.cpu, client: client.cpu };
    const result: Result = JSON.parse(await client.hear("result "));
    const cpu = { server: server.cpu - before.server, client: client.cpu - before.client };
    await client.hear("closed");
    // The server has ends of connections to see, which is not the next row's affair.
    await new Promise((resolve) => setTimeout(resolve, work.connections / 20));
    return { ...result, cpu };
  }

  /** Bytes that the server has after a collection. */
  async serverMemory(): Promise<number> {
    this.server.type("collect");
    await this.server.hear("collected");
    return this.server.memory;
  }

  stop(): void {
    this.client.kill("SIGKILL");
    this.server.kill("SIGKILL");
  }
}
