// The echo service of the Rust program in this folder, for the Rust client: messages
// with a special prefix make it misbehave on purpose.
import { create } from "@bufbuild/protobuf";
import type { Codec, SocketDuplex } from "@protosocket/protosocket";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import {
  refused,
  type RpcContext,
  type RpcHandler,
  type RpcMessages,
} from "@protosocket/protosocket/rpc";
import * as messagePack from "../../examples/messagepack/echo.ts";
import { echoMessages } from "../../examples/support/echo_es.ts";
import {
  EchoResponseSchema,
  EchoStreamSchema,
  type Request,
  RequestSchema,
  type Response,
  ResponseBehavior,
  ResponseSchema,
} from "../../examples/proto/gen/echo_pb.ts";

interface EchoRequest {
  readonly message: string;
  readonly nanotime: number | bigint;
}

/** The echo messages in one encoding, as a server needs them. */
export interface EchoEncoding<Request, Response> {
  readonly codec: () => Codec<Request, Response>;
  readonly messages: RpcMessages<Request, Response>;
  readonly body: (request: Request) => EchoRequest | undefined;
  readonly wantsStream: (request: Request) => boolean;
  readonly echo: (body: EchoRequest) => Response;
  readonly item: (item: EchoRequest & { readonly sequence: number }) => Response;
}

export const protobufEcho: EchoEncoding<Request, Response> = {
  codec: () => protobufEs(RequestSchema, ResponseSchema),
  messages: echoMessages,
  body: (request) => request.body,
  wantsStream: (request) => request.responseBehavior === ResponseBehavior.STREAM,
  echo({ message, nanotime }) {
    const value = create(EchoResponseSchema, { message, nanotime: BigInt(nanotime) });
    return create(ResponseSchema, { kind: { case: "echo", value } });
  },
  item({ message, nanotime, sequence }) {
    const value = create(EchoStreamSchema, {
      message,
      nanotime: BigInt(nanotime),
      sequence: BigInt(sequence),
    });
    return create(ResponseSchema, { kind: { case: "stream", value } });
  },
};

export const messagePackEcho: EchoEncoding<messagePack.Request, messagePack.Response> = {
  codec: messagePack.serverCodec,
  messages: messagePack.echoMessages,
  body: (request) => request.body,
  wantsStream: (request) => request.responseBehavior === "Stream",
  echo: (value) => messagePack.response({ case: "Echo", value }),
  item: (value) => messagePack.response({ case: "Stream", value }),
};

/** Hears of the ids of rpcs whose signal has fired. */
export type OnCancelled = (id: number | bigint) => void;

export function echoService<Request, Response>(
  encoding: EchoEncoding<Request, Response>,
  onCancelled: OnCancelled,
): (duplex: SocketDuplex) => RpcHandler<Request, Response> {
  const { echo, item } = encoding;
  return () => (request, context) => {
    const body = encoding.body(request);
    if (!body || body.message.startsWith("refuse")) return refused;
    if (encoding.wantsStream(request)) return stream(body, item, context, onCancelled);
    if (body.message.startsWith("never")) return never(context, onCancelled);
    const delay = /^delay:(\d+):/.exec(body.message);
    return delay ? later(Number(delay[1]), echo(body)) : echo(body);
  };
}

async function later<T>(milliseconds: number, answer: T): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return answer;
}

function never({ id, signal }: RpcContext, onCancelled: OnCancelled): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => {
      onCancelled(id);
      reject(signal.reason);
    });
  });
}

async function* stream<Response>(
  { message, nanotime }: EchoRequest,
  item: EchoEncoding<unknown, Response>["item"],
  { id }: RpcContext,
  onCancelled: OnCancelled,
): AsyncGenerator<Response> {
  if (message.startsWith("endless")) {
    try {
      for (let sequence = 0;; sequence++) yield item({ message: "x", nanotime, sequence });
    } finally {
      onCancelled(id);
    }
  }
  const exit = /^exit-after:(\d+)/.exec(message);
  if (exit) {
    for (let sequence = 0; sequence < Number(exit[1]); sequence++) {
      yield item({ message: "x", nanotime, sequence });
    }
    // Time for the items to leave.
    await new Promise((resolve) => setTimeout(resolve, 20));
    throw new GoAway();
  }
  let sequence = 0;
  for (const byte of new TextEncoder().encode(message)) {
    yield item({ message: String.fromCharCode(byte), nanotime, sequence: sequence++ });
  }
}

/** Tells the server to break off the connection. */
export class GoAway extends Error {}
