import {
  type Codec,
  Connection,
  type ConnectionOptions,
  DecoderStream,
  type Duplex,
  duplexPair,
  type DuplexPairOptions,
  EncodeBuffer,
} from "@protosocket/protosocket";
import { assertEquals, assertInstanceOf, fail } from "@std/assert";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import {
  ControlCode,
  type FailedRpc,
  RpcClient,
  type RpcClientConfig,
  RpcError,
  type RpcErrorCode,
  type RpcHandler,
  type RpcId,
  type RpcMessage,
  type RpcMessages,
  type RpcObserver,
  rpcReactor,
  type RpcServerOptions,
} from "@protosocket/protosocket/rpc";
import { type Outcome, soon } from "./within.ts";

/** Ends with ids from here on are about the connection. */
export const RESERVED: number = 2 ** 52;

/** The smallest message that an rpc can be made of. One with a bigint in its body cannot be encoded. */
export interface Message {
  id: RpcId;
  code: number;
  body?: unknown;
}

/** A request, an answer, or an item of a stream. */
export function normal(id: RpcId, body?: unknown): Message {
  return body === undefined ? { id, code: 0 } : { id, code: 0, body };
}

export function cancel(id: RpcId): Message {
  return { id, code: ControlCode.cancel };
}

export function end(id: RpcId): Message {
  return { id, code: ControlCode.end };
}

/** A request before it has an id, and an answer before it is stamped. */
export function body(body: unknown): Message {
  return normal(0, body);
}

const message: RpcMessage<Message> = {
  id: (message) => message.id,
  setId: (message, id) => message.id = id,
  code: (message) => message.code,
  setCode: (message, code) => message.code = code,
  cancelled: cancel,
  ended: end,
};

export const messages: RpcMessages<Message, Message> = { request: message, response: message };

/** JSON, length-delimited; the id is a string there, as it may be beyond 2^53. */
export function jsonCodec(): Codec<Message> {
  const { encoder, decoder } = lengthDelimited();
  return {
    encoder: { encode: (message, out) => encoder.encode(toBytes(message), out) },
    decoder: {
      decode(bytes, offset) {
        const result = decoder.decode(bytes, offset);
        if (result.kind !== "message") return result;
        return { ...result, message: fromBytes(result.message) };
      },
    },
  };
}

function toBytes(message: Message): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ ...message, id: String(message.id) }));
}

function fromBytes(bytes: Uint8Array): Message {
  const message = JSON.parse(new TextDecoder().decode(bytes));
  const id = Number(message.id);
  return { ...message, id: Number.isSafeInteger(id) ? id : BigInt(message.id) };
}

/**
 * The other end of a connection, played by a test message by message. It reads when it
 * is asked for the next message and not before.
 */
export class Peer {
  readonly #codec = jsonCodec();
  readonly #out = new EncodeBuffer();
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #batches: ReadableStreamDefaultReader<Message[]>;
  #batch: Message[] = [];
  /** The values of the reserved Ends that came; they are not among the messages. */
  readonly reserved: number[] = [];

  constructor(duplex: Duplex) {
    this.#writer = duplex.writable.getWriter();
    // Whoever waits for a write or a read hears of the loss there.
    this.#writer.closed.catch(() => {});
    this.#batches = duplex.readable.pipeThrough(new DecoderStream(this.#codec.decoder)).getReader();
    this.#batches.closed.catch(() => {});
  }

  /** Sends messages, in one write. */
  async send(...messages: Message[]): Promise<void> {
    for (const message of messages) this.#codec.encoder.encode(message, this.#out);
    await soon(this.#writer.write(this.#out.take()), "room to send to the other end");
  }

  /** The next message that the other end sent. */
  async next(): Promise<Message> {
    while (this.#batch.length === 0) {
      const { done, value } = await soon(this.#batches.read(), "a message from the other end");
      if (done) throw new Error("The other end sent no more messages");
      this.#batch = this.#ordinary(value);
    }
    return this.#batch.shift()!;
  }

  /** The next so many messages. */
  async take(count: number): Promise<Message[]> {
    const taken: Message[] = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }

  /** All that the other end still sends until it ends. */
  async rest(): Promise<Message[]> {
    const rest = this.#batch;
    for (;;) {
      const { done, value } = await soon(this.#batches.read(), "the other end's end");
      if (done) return rest;
      rest.push(...this.#ordinary(value));
    }
  }

  #ordinary(batch: Message[]): Message[] {
    return batch.filter(({ id, code }) => {
      if (
        code !== ControlCode.end || typeof id !== "number" || id < RESERVED ||
        id >= RESERVED + 2 ** 42
      ) {
        return true;
      }
      this.reserved.push(id - RESERVED);
      return false;
    });
  }

  /** Sends no more, and reads on. */
  async end(): Promise<void> {
    await soon(this.#writer.close(), "the end to be sent");
  }

  /** Breaks the connection. */
  abort(): void {
    this.#writer.abort(new Error("the peer broke it")).catch(() => {});
  }
}

/** A client with a scripted server. */
export function clientAndPeer(
  config: Partial<RpcClientConfig<Message, Message>> = {},
  pair: DuplexPairOptions = {},
): { client: RpcClient<Message, Message>; peer: Peer } {
  const [here, there] = duplexPair(pair);
  const client = new RpcClient(here, { codec: jsonCodec(), messages, ...config });
  return { client, peer: new Peer(there) };
}

/** Closes a client in order; returns what the peer had still to hear from it. */
export async function closeClient(
  client: RpcClient<Message, Message>,
  peer: Peer,
): Promise<Message[]> {
  const closed = client.close();
  const [rest] = await Promise.all([peer.rest(), peer.end()]);
  await soon(closed, "the client's end");
  return rest;
}

/** What a test may ask of a server: its bounds, and the codec. */
export type ServerOptions =
  & ConnectionOptions
  & RpcServerOptions
  & Pick<FailedRpc, "remoteAddress">
  & { readonly rpcObserver?: RpcObserver<Message> }
  & { readonly codec?: Codec<Message>; readonly messages?: RpcMessages<Message, Message> };

/** A server of one connection, with a scripted client, and the errors it has been told of. */
export function serverAndPeer(
  handler: RpcHandler<Message, Message>,
  options: ServerOptions = {},
  pair: DuplexPairOptions = {},
): { connection: Connection<Message>; peer: Peer; errors: [error: unknown, rpc: FailedRpc][] } {
  const [here, there] = duplexPair(pair);
  const errors: [error: unknown, rpc: FailedRpc][] = [];
  const connection = new Connection(here, {
    codec: jsonCodec(),
    ...options,
    reactor: rpcReactor(options.messages ?? messages, handler, {
      onError: (error, rpc) => errors.push([error, rpc]),
      ...options,
    }),
  });
  return { connection, peer: new Peer(there), errors };
}

/** Ends the peer's side; returns what the server had still to answer. */
export async function endPeer(connection: Connection<Message>, peer: Peer): Promise<Message[]> {
  const [rest] = await Promise.all([peer.rest(), peer.end()]);
  await soon(connection.closed, "the server's end");
  return rest;
}

/** The error of a call that has failed, or will, which must be one of this code. */
export async function rpcError(
  call: Promise<Outcome<unknown>>,
  code: RpcErrorCode,
): Promise<RpcError> {
  const result = await soon(call, `a failure, ${code}`);
  if (result.kind === "value") fail(`The call has a value, not a failure, ${code}`);
  assertInstanceOf(result.error, RpcError);
  assertEquals(result.error.code, code);
  return result.error;
}
