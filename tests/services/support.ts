// A service with a method of each kind, its handlers, and both ends of it on a socket.
import { assert } from "@std/assert";
import {
  type Client,
  createClient,
  type Handlers,
  implement,
  inMemory,
  serveServices,
  type ServeServicesOptions,
  serviceClient,
  type ServiceClientOptions,
  type ServiceConnectionOptions,
  ServiceError,
  type ServiceErrorCode,
} from "@protosocket/protosocket/services";
import { type ServiceOf, serviceOf } from "@protosocket/protosocket/services-protobuf-es";
import { test } from "node:test";
import { sockets } from "../../examples/support/sockets.ts";
import { soon } from "../support/within.ts";
import { Prices as PricesDesc } from "./proto/gen/prices_pb.ts";

export const Prices: ServiceOf<typeof PricesDesc> = serviceOf(PricesDesc);
export type PricesHandlers = Handlers<typeof Prices>;

/** Both ends on a socket. */
export interface Ends extends AsyncDisposable {
  readonly prices: Client<typeof Prices>;
  readonly client: ReturnType<typeof serviceClient>;
  readonly server: ReturnType<typeof serveServices>;
  /** What the server was told of. */
  readonly errors: unknown[];
  /** One more connection. */
  connect(options?: ServiceConnectionOptions): Promise<ReturnType<typeof serviceClient>>;
}

/** Serves `handlers` on a socket, and connects a client. */
export async function onSocket(
  handlers: PricesHandlers,
  options: Partial<ServeServicesOptions> & {
    readonly client?: ServiceClientOptions;
    readonly connection?: ServiceConnectionOptions;
  } = {},
): Promise<Ends> {
  const { listen, connect } = await sockets();
  const errors: unknown[] = [];
  const listener = await listen({ hostname: "127.0.0.1", port: 0 });
  const server = serveServices(listener, {
    services: [implement(Prices, handlers)],
    onError: (error) => errors.push(error),
    onConnectError: (error) => errors.push(error),
    ...options,
  });
  const { address } = listener;
  assert(address.transport === "tcp");
  const { port } = address;
  const dial = async (options?: ServiceConnectionOptions) =>
    serviceClient(await connect({ hostname: "127.0.0.1", port }), options);
  const client = await dial(options.connection);
  return {
    prices: createClient(Prices, client, options.client),
    client,
    server,
    errors,
    connect: dial,
    async [Symbol.asyncDispose]() {
      client.abort();
      await soon(server.close({ timeout: 0 }), "the server's end");
    },
  };
}

/** Registers a test twice: in memory with the codec on the way, and without. */
export function memoryTest(
  name: string,
  run: (memory: typeof inMemory) => void | Promise<void>,
): void {
  for (const codec of [true, false]) {
    test(
      codec ? name : `${name}, without a codec`,
      () => run((services, options) => inMemory(services, { codec, ...options })),
    );
  }
}

/** The error of a call that fails with that code. */
export async function fails(call: Promise<unknown>, code: ServiceErrorCode): Promise<ServiceError> {
  const error = await soon(
    call.then((value) => {
      throw new Error(`the call has a value, not a failure: ${String(value)}`);
    }, (error) => error),
    `a failure, ${code}`,
  );
  if (!(error instanceof ServiceError) || error.code !== code) {
    throw new Error(`not ${code} but ${error}`, { cause: error });
  }
  return error;
}

/** All items of a stream. */
export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}
