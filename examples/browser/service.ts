// The echo service. Its streams never end, so that they can be cancelled.
import { create } from "@bufbuild/protobuf";
import type { Listener, Server } from "@protosocket/protosocket";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { refused, serveRpc } from "@protosocket/protosocket/rpc";
import { echoMessages } from "../support/echo_es.ts";
import {
  type EchoRequest,
  EchoResponseSchema,
  EchoStreamSchema,
  RequestSchema,
  type Response,
  ResponseBehavior,
  ResponseSchema,
} from "../proto/gen/echo_pb.ts";

/** How long a letter takes, in milliseconds. */
const PACE = 40;

function echo({ message, nanotime }: EchoRequest): Response {
  const value = create(EchoResponseSchema, { message, nanotime });
  return create(ResponseSchema, { kind: { case: "echo", value } });
}

/** Repeats the message, a letter at a time, and logs when the stream is left. */
async function* say({ message, nanotime }: EchoRequest): AsyncGenerator<Response> {
  const letters = [...message, " "];
  let sequence = 0n;
  try {
    for (;;) {
      for (const letter of letters) {
        const value = create(EchoStreamSchema, { message: letter, nanotime, sequence });
        yield create(ResponseSchema, { kind: { case: "stream", value } });
        sequence++;
        await new Promise((resolve) => setTimeout(resolve, PACE));
      }
    }
  } finally {
    console.log(`a stream of "${message}" was left`);
  }
}

/** Serves RPCs on each connection that the listener accepts. */
export function serveRpcs(listener: Listener): Server {
  return serveRpc(listener, {
    codec: () => protobufEs(RequestSchema, ResponseSchema),
    messages: echoMessages,
    service: () => ({ body, responseBehavior }) => {
      if (!body) return refused;
      return responseBehavior === ResponseBehavior.STREAM ? say(body) : echo(body);
    },
  });
}
