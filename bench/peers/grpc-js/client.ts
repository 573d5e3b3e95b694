// The client of the echo with grpc-js.
import type { Caller, Done } from "../../caller.ts";
import { client } from "../../client.ts";
import {
  CHAT,
  type Client,
  connect,
  type Echo,
  ITEMS,
  requests,
  responses,
  UNARY,
  write,
} from "./library.ts";

class GrpcJs implements Caller {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  echo(message: string, nanotime: number, done: Done): void {
    const request = { body: { message, nanotime } };
    const { serialize } = requests;
    const { deserialize } = responses;
    this.#client.makeUnaryRequest(UNARY, serialize, deserialize, request, (error, value) => {
      if (error) return done(error);
      const { echo } = value!;
      const same = echo.message === message && echo.nanotime === nanotime;
      done(same ? undefined : `${nanotime} is not its echo`);
    });
  }

  stream(items: number, bytes: number, done: Done): void {
    this.#read(items, bytes).then(() => done(), done);
  }

  async #read(items: number, bytes: number): Promise<void> {
    const request = { body: { message: String(items), nanotime: bytes }, responseBehavior: 1 };
    let sequence = 0;
    const { serialize } = requests;
    const { deserialize } = responses;
    const answers = this.#client.makeServerStreamRequest(ITEMS, serialize, deserialize, request);
    for await (const { stream } of answers) {
      if (stream.message.length !== bytes || stream.sequence !== sequence++) {
        throw new Error(`Item ${sequence} is not what it should be`);
      }
    }
    if (sequence !== items) throw new Error(`The stream ended after ${sequence} items`);
  }

  chat(items: number, bytes: number, done: Done): void {
    this.#chat(items, bytes).then(() => done(), done);
  }

  async #chat(items: number, bytes: number): Promise<void> {
    const { serialize } = requests;
    const call = this.#client.makeBidiStreamRequest(CHAT, serialize, responses.deserialize);
    const message = "x".repeat(bytes);
    const written = (async () => {
      for (let nanotime = 0; nanotime < items; nanotime++) {
        await write(call, { body: { message, nanotime } });
      }
      call.end();
    })();
    let answers = 0;
    for await (const answer of call) {
      const { echo } = answer as unknown as Echo;
      if (echo.message.length !== bytes || echo.nanotime !== answers++) {
        throw new Error(`Answer ${answers} is not what it should be`);
      }
    }
    await written;
    if (answers !== items) throw new Error(`The stream ended after ${answers} answers`);
  }

  close(): void {
    this.#client.close();
  }
}

await client(async (port) => new GrpcJs(await connect(port)));
