// The client of the echo over this library.
import { RpcClient } from "@protosocket/protosocket/rpc";
import { clientCodec, echoMessages } from "../../../examples/proto/echo.ts";
import { type Request, type Response, ResponseBehavior } from "../../../examples/proto/gen/echo.ts";
import { echo } from "../../../examples/proto/load.ts";
import type { Caller, Done } from "../../caller.ts";
import { client } from "../../client.ts";
import { MAX_MESSAGE } from "../../limits.ts";
import { connect } from "./by_streams.ts";

class Ours implements Caller {
  readonly #rpc: RpcClient<Request, Response>;

  constructor(rpc: RpcClient<Request, Response>) {
    this.#rpc = rpc;
  }

  echo(text: string, number: number, done: Done): void {
    this.#rpc.unary(echo.request(text, number)).then(
      (response) =>
        done(echo.isEcho(response, text, number) ? undefined : `${number} is not its echo`),
      done,
    );
  }

  stream(items: number, bytes: number, done: Done): void {
    this.#read(items, bytes).then(() => done(), done);
  }

  async #read(items: number, bytes: number): Promise<void> {
    const request: Request = {
      requestId: 0n,
      code: 0,
      body: { message: String(items), nanotime: BigInt(bytes) },
      responseBehavior: ResponseBehavior.STREAM,
    };
    let sequence = 0;
    for await (const { kind } of this.#rpc.streaming(request)) {
      if (
        kind?.$case !== "stream" || kind.value.message.length !== bytes ||
        kind.value.sequence !== BigInt(sequence)
      ) throw new Error(`Item ${sequence} is not what it should be`);
      sequence++;
    }
    if (sequence !== items) throw new Error(`The stream ended after ${sequence} items`);
  }

  close(): Promise<unknown> {
    return this.#rpc.close();
  }
}

await client(async (port) => {
  const config = {
    codec: clientCodec(),
    messages: echoMessages,
    maxBufferLength: MAX_MESSAGE,
  };
  return new Ours(new RpcClient(await connect(port), config));
});
