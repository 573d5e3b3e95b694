// An end of the protocol of typed services that was written from its page in docs/, with the
// code that protoc-gen-es makes of its .proto: it sends what it is told, and takes notes.
import {
  create,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Connection, type Listener, type SocketDuplex } from "@protosocket/protosocket";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { assert } from "@std/assert";
import { sockets } from "../../../examples/support/sockets.ts";
import { RequestSchema, ResponseSchema } from "../../support/proto/gen/services_pb.ts";
import { deferred, soon } from "../../support/within.ts";

export const NORMAL = 0;
export const CANCEL = 1;
export const END = 2;

/** Ends with ids from here on are about the connection, or about streams of requests. */
export const RESERVED: bigint = 2n ** 52n;
/** The question, and with a window the answer, whether a server takes streams of requests. */
export const STREAMS: bigint = RESERVED + 2n ** 41n;
/** With an RPC's id: its half-close, or from a server that it wants no more items. */
export const HALF_CLOSE: bigint = RESERVED + 2n ** 50n;
/** With an RPC's id: an item of its requests, or from a server credit for half a window. */
export const ITEM: bigint = RESERVED + 2n ** 51n;

export class WirePeer<In extends DescMessage, Out extends DescMessage> implements AsyncDisposable {
  /** All that has come and nobody has taken. */
  readonly received: MessageShape<In>[] = [];
  readonly connection: Connection<MessageShape<In>, MessageShape<Out>>;
  readonly #out: Out;
  #more = deferred();
  #ended = false;

  constructor(duplex: SocketDuplex, inbound: In, outbound: Out) {
    this.#out = outbound;
    const wake = () => {
      this.#more.resolve();
      this.#more = deferred();
    };
    this.connection = new Connection<MessageShape<In>, MessageShape<Out>>(duplex, {
      codec: protobufEs(inbound, outbound),
      reactor: () => ({
        onInboundMessage: (message) => {
          this.received.push(message);
          wake();
        },
        onClose: () => {
          this.#ended = true;
          wake();
        },
      }),
    });
  }

  async send(...messages: MessageInitShape<Out>[]): Promise<void> {
    const sent = messages.map((message) =>
      this.connection.sender.send(create(this.#out, message) as MessageShape<Out>)
    );
    for (const each of sent) await each;
  }

  /** Takes the first message that matches; others stay. Fails if the connection ends before. */
  async take(
    what: string,
    matches: (message: MessageShape<In>) => boolean = () => true,
  ): Promise<MessageShape<In>> {
    for (;;) {
      const at = this.received.findIndex(matches);
      if (at >= 0) return this.received.splice(at, 1)[0]!;
      assert(!this.#ended, `the connection ended before ${what}`);
      await soon(this.#more.promise, what);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.connection.abort();
    return this.connection.closed.then(() => {});
  }
}

export type WireClient = WirePeer<typeof ResponseSchema, typeof RequestSchema>;
export type WireServer = WirePeer<typeof RequestSchema, typeof ResponseSchema>;

/** Connects to a server under test. */
export async function wireClient(port: number): Promise<WireClient> {
  const { connect } = await sockets();
  return new WirePeer(await connect({ port }), ResponseSchema, RequestSchema);
}

/** Where clients under test connect to; the connections come from `accept`. */
export interface WireListener extends AsyncDisposable {
  readonly port: number;
  accept(): Promise<WireServer>;
}

/** Listens for clients under test. */
export async function wireListener(): Promise<WireListener> {
  const { listen } = await sockets();
  const listener: Listener = await listen({ port: 0 });
  const accepted = listener[Symbol.asyncIterator]();
  return {
    port: (listener.address as { port: number }).port,
    async accept() {
      const { done, value } = await soon(accepted.next(), "a client");
      assert(!done, "the listener was closed");
      return new WirePeer(value, RequestSchema, ResponseSchema);
    },
    [Symbol.asyncDispose]: () => listener.close(),
  };
}
