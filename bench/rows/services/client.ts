// The client of the echo as a service.
import { serviceClient } from "@protosocket/protosocket/services";
import { connect } from "@protosocket/protosocket/sockets";
import type { Caller, Done } from "../../caller.ts";
import { client } from "../../client.ts";
import { MAX_MESSAGE } from "../../limits.ts";
import { type EchoClient, echoService } from "./echo.ts";

const echo = echoService();

class Services implements Caller {
  readonly #client: EchoClient;
  readonly #connection: { close(): Promise<unknown> };

  constructor(connection: ReturnType<typeof serviceClient>) {
    this.#client = echo.client(connection);
    this.#connection = connection;
  }

  echo(text: string, number: number, done: Done): void {
    this.#client.unary(echo.request(text, number)).then(
      ({ message, nanotime }) =>
        done(message === text && Number(nanotime) === number ? undefined : `${number} is wrong`),
      done,
    );
  }

  stream(items: number, bytes: number, done: Done): void {
    this.#read(items, bytes).then(() => done(), done);
  }

  chat(items: number, bytes: number, done: Done): void {
    this.#chat(items, bytes).then(() => done(), done);
  }

  async #read(items: number, bytes: number): Promise<void> {
    let next = 0;
    for await (const { message, sequence } of this.#client.items(echo.request(`${items}`, bytes))) {
      if (message.length !== bytes || Number(sequence) !== next++) {
        throw new Error(`Item ${next} is not what it should be`);
      }
    }
    if (next !== items) throw new Error(`The stream ended after ${next} items`);
  }

  async #chat(items: number, bytes: number): Promise<void> {
    const text = "x".repeat(bytes);
    function* requests() {
      for (let number = 0; number < items; number++) yield echo.request(text, number);
    }
    let next = 0;
    for await (const { message, nanotime } of this.#client.chat(requests())) {
      if (message.length !== bytes || Number(nanotime) !== next++) {
        throw new Error(`Answer ${next} is not what it should be`);
      }
    }
    if (next !== items) throw new Error(`The stream ended after ${next} answers`);
  }

  close(): Promise<unknown> {
    return this.#connection.close();
  }
}

await client(async (port) =>
  new Services(serviceClient(await connect({ port }), { maxBufferLength: MAX_MESSAGE }))
);
