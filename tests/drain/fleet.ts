// Two servers, each a process, that are told to go and started again at their ports.
import { assert } from "@std/assert";
import { json } from "@protosocket/protosocket/json";
import { RpcClient } from "@protosocket/protosocket/rpc";
import { plain } from "../../examples/support/plain_messages.ts";
import { sockets } from "../../examples/support/sockets.ts";
import { Program } from "../support/program.ts";
import { COUNT, messages, type Request, type Response } from "./messages.ts";

/** One of the servers. */
export class FleetServer implements AsyncDisposable {
  port = 0;
  #program: Program | undefined;

  /** Starts it, at the port that it had before. */
  async start(timeout: number): Promise<void> {
    this.#program = new Program("tests/drain/server.ts", [String(this.port), String(timeout)]);
    this.port = (await this.#program.listening()).port;
  }

  /** Sends SIGTERM, and waits until it has gone; returns how many calls it has begun. */
  async go(): Promise<number> {
    const program = this.#program!;
    program.kill("SIGTERM");
    assert(await program.ended === 0, program.said);
    const [, begun, answered] = await program.until(/^begun (\d+) answered (\d+)\n/m);
    assert(begun === answered, program.said);
    return Number(begun);
  }

  /** How many calls it has begun since it was started. */
  async begun(): Promise<number> {
    const { connect } = await sockets();
    await using client = new RpcClient(await connect({ port: this.port }), {
      codec: json<Response, Request>(),
      messages,
    });
    return (await client.unary(plain({ number: COUNT, ms: 0 }))).body!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program?.[Symbol.asyncDispose]();
  }
}
