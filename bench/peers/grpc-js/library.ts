// What the row uses of grpc-js, which is installed when it is run, and the messages of
// examples/proto with protobufjs, as grpc-js is mostly used.
import type { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import protobufjs from "protobufjs";

export interface Client {
  makeUnaryRequest(
    ...call: [...CallOf, callback: (error: Error | null, value?: Echo) => void]
  ): void;
  makeServerStreamRequest(...call: CallOf): Answers;
  makeBidiStreamRequest(...call: MethodOf): Answers & Requests;
  waitForReady(deadline: Date, callback: (error?: Error) => void): void;
  close(): void;
}

/** The answers of a stream. */
export interface Answers extends AsyncIterable<Item> {
  on(event: "data", listener: (item: Item) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  cancel(): void;
}

/** A method, and how its messages are written and read. */
type MethodOf = [
  path: string,
  serialize: (message: object) => Buffer,
  deserialize: (bytes: Uint8Array) => unknown,
];

/** The same, and a request. */
type CallOf = [...MethodOf, request: object];

/** What a stream is written to. */
export interface Requests {
  write(message: object): boolean;
  once(event: "drain", listener: () => void): void;
  end(): void;
}

export interface Echo {
  readonly echo: { readonly message: string; readonly nanotime: number };
}

export interface Item {
  readonly stream: {
    readonly message: string;
    readonly nanotime: number;
    readonly sequence: number;
  };
}

export interface Call extends Requests {
  readonly request: { readonly body: { readonly message: string; readonly nanotime: number } };
}

/** A stream of requests, each of which is answered. */
export interface Chat extends Requests, AsyncIterable<Call["request"]> {}

/** A stream that may be cancelled. */
export interface Subscription extends Call {
  on(event: "cancelled", listener: () => void): void;
}

interface Library {
  readonly Client: new (address: string, credentials: unknown, options: object) => Client;
  readonly Server: new (options: object) => {
    addService(service: object, handlers: object): void;
    bindAsync(
      address: string,
      credentials: unknown,
      callback: (error: Error | null, port: number) => void,
    ): void;
  };
  readonly credentials: { createInsecure(): unknown };
  readonly ServerCredentials: { createInsecure(): unknown };
}

// No literal: it is not there when types are checked.
export const grpc: Library = await import("@grpc/grpc-js" as string);

const schema = fileURLToPath(new URL("../../../examples/proto/echo.proto", import.meta.url));
const root = protobufjs.loadSync(schema);
const type = (name: string) => root.lookupType(`protosocket.examples.${name}`);

function wire(name: string): Wire {
  const messages = type(name);
  return {
    serialize: (message) => messages.encode(messages.create(message)).finish() as Buffer,
    // 64-bit numbers come as objects, where there is a library for them.
    deserialize: (bytes) =>
      messages.toObject(messages.decode(bytes), { longs: Number, defaults: true }),
  };
}

export interface Wire {
  readonly serialize: (message: object) => Buffer;
  readonly deserialize: (bytes: Uint8Array) => unknown;
}

export const requests: Wire = wire("Request");
export const responses: Wire = wire("Response");

export const UNARY = "/protosocket.examples.Echo/Unary";
export const ITEMS = "/protosocket.examples.Echo/Items";
export const CHAT = "/protosocket.examples.Echo/Chat";

/** Writes, and waits while there is no room. */
export async function write(stream: Requests, message: object): Promise<void> {
  if (stream.write(message)) return;
  await new Promise<void>((resolve) => stream.once("drain", resolve));
}

function method(path: string, responseStream: boolean, requestStream = false): object {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: requests.serialize,
    requestDeserialize: requests.deserialize,
    responseSerialize: responses.serialize,
    responseDeserialize: responses.deserialize,
  };
}

export const unaryMethod: object = method(UNARY, false);
export const itemsMethod: object = method(ITEMS, true);
export const chatMethod: object = method(CHAT, true, true);

/** Of messages. */
export const OPTIONS: object = {
  "grpc.max_receive_message_length": -1,
  // Else all clients of a process share a connection.
  "grpc.use_local_subchannel_pool": 1,
};

/** A client that has connected. */
export async function connect(port: number): Promise<Client> {
  const insecure = grpc.credentials.createInsecure();
  const channel = new grpc.Client(`127.0.0.1:${port}`, insecure, OPTIONS);
  await new Promise<void>((resolve, reject) =>
    channel.waitForReady(
      new Date(Date.now() + 5000),
      (error) => error ? reject(error) : resolve(),
    )
  );
  return channel;
}
