// What the echo servers do: a unary request is answered with its message, a stream
// request with one item per byte of the message. A request without a body is refused.
import { create } from "@bufbuild/protobuf";
import type { Listener, Server } from "@protosocket/protosocket";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { refused, serveRpc } from "@protosocket/protosocket/rpc";
import { echoMessages } from "./echo.ts";
import {
  type EchoRequest,
  EchoResponseSchema,
  EchoStreamSchema,
  RequestSchema,
  type Response,
  ResponseBehavior,
  ResponseSchema,
} from "./gen/echo_pb.ts";

function echo({ message, nanotime }: EchoRequest): Response {
  const value = create(EchoResponseSchema, { message, nanotime });
  return create(ResponseSchema, { kind: { case: "echo", value } });
}

async function* echoBytes({ message, nanotime }: EchoRequest): AsyncGenerator<Response> {
  let sequence = 0n;
  for (const byte of new TextEncoder().encode(message)) {
    const value = create(EchoStreamSchema, {
      message: String.fromCharCode(byte),
      nanotime,
      sequence: sequence++,
    });
    yield create(ResponseSchema, { kind: { case: "stream", value } });
  }
}

/** Serves echoes to whoever the listener accepts. */
export function serveEcho(listener: Listener): Server {
  return serveRpc(listener, {
    codec: () => protobufEs(RequestSchema, ResponseSchema),
    messages: echoMessages,
    service: () => ({ body, responseBehavior }) => {
      if (!body) return refused;
      return responseBehavior === ResponseBehavior.STREAM ? echoBytes(body) : echo(body);
    },
  });
}
