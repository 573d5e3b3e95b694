// The client of the echo over this library.
import { create } from "@bufbuild/protobuf";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { RpcClient } from "@protosocket/protosocket/rpc";
import { echoMessages } from "../../../examples/proto/echo.ts";
import { echo } from "../../../examples/proto/load.ts";
import {
  type Request,
  RequestSchema,
  type Response,
  ResponseBehavior,
  ResponseSchema,
} from "../../../examples/proto/gen/echo_pb.ts";
import { sockets } from "../../../examples/support/sockets.ts";
import { type Caller, client, type Done } from "../../client.ts";
import { MAX_MESSAGE } from "../../limits.ts";

const { connect } = await sockets();

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
    const body = { message: String(items), nanotime: BigInt(bytes) };
    const responseBehavior = ResponseBehavior.STREAM;
    const request = create(RequestSchema, { body, responseBehavior });
    let sequence = 0;
    for await (const { kind } of this.#rpc.streaming(request)) {
      if (
        kind.case !== "stream" || kind.value.message.length !== bytes ||
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
  const codec = protobufEs(ResponseSchema, RequestSchema);
  const config = { codec, messages: echoMessages, maxBufferLength: MAX_MESSAGE };
  return new Ours(new RpcClient(await connect({ port }), config));
});
