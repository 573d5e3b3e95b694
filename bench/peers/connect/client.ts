// The client of the echo with connect-node over HTTP/2.
import type { Caller, Done } from "../../caller.ts";
import { client } from "../../client.ts";
import { MAX_MESSAGE } from "../../limits.ts";
import { Echo } from "./service.ts";

interface Response {
  readonly kind: { readonly value: Value };
}

interface Value {
  readonly message: string;
  readonly nanotime: bigint;
  readonly sequence: bigint;
}

interface Client {
  unary(request: object): Promise<Response>;
  items(request: object): AsyncIterable<Response>;
  chat(requests: AsyncIterable<object>): AsyncIterable<Response>;
}

// No literals: they are not there when types are checked.
const { createClient }: { createClient(service: object, transport: unknown): Client } =
  await import("@connectrpc/connect" as string);
const { createConnectTransport, Http2SessionManager }: {
  createConnectTransport(options: object): unknown;
  readonly Http2SessionManager: new (url: string) => { abort(): void };
} = await import("@connectrpc/connect-node" as string);

class Connect implements Caller {
  readonly #client: Client;
  readonly #session: { abort(): void };

  constructor(client: Client, session: { abort(): void }) {
    this.#client = client;
    this.#session = session;
  }

  echo(message: string, number: number, done: Done): void {
    const nanotime = BigInt(number);
    this.#client.unary({ body: { message, nanotime } }).then(({ kind: { value } }) => {
      const same = value.message === message && value.nanotime === nanotime;
      done(same ? undefined : `${number} is not its echo`);
    }, done);
  }

  stream(items: number, bytes: number, done: Done): void {
    this.#read(items, bytes).then(() => done(), done);
  }

  async #read(items: number, bytes: number): Promise<void> {
    let sequence = 0n;
    const body = { message: String(items), nanotime: BigInt(bytes) };
    for await (const { kind: { value } } of this.#client.items({ body, responseBehavior: 1 })) {
      if (value.message.length !== bytes || value.sequence !== sequence++) {
        throw new Error(`Item ${sequence} is not what it should be`);
      }
    }
    if (sequence !== BigInt(items)) throw new Error(`The stream ended after ${sequence} items`);
  }

  chat(items: number, bytes: number, done: Done): void {
    this.#chat(items, bytes).then(() => done(), done);
  }

  async #chat(items: number, bytes: number): Promise<void> {
    let answers = 0n;
    for await (const { kind: { value } } of this.#client.chat(requests(items, bytes))) {
      if (value.message.length !== bytes || value.nanotime !== answers++) {
        throw new Error(`Answer ${answers} is not what it should be`);
      }
    }
    if (answers !== BigInt(items)) throw new Error(`The stream ended after ${answers} answers`);
  }

  close(): void {
    this.#session.abort();
  }
}

async function* requests(items: number, bytes: number): AsyncGenerator<object> {
  const message = "x".repeat(bytes);
  for (let nanotime = 0n; nanotime < BigInt(items); nanotime++) {
    yield { body: { message, nanotime } };
  }
}

// deno-lint-ignore require-await
await client(async (port) => {
  const baseUrl = `http://127.0.0.1:${port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const options = { baseUrl, httpVersion: "2", useBinaryFormat: true, readMaxBytes: MAX_MESSAGE };
  const transport = createConnectTransport({ ...options, sessionManager });
  return new Connect(createClient(Echo, transport), sessionManager);
});
