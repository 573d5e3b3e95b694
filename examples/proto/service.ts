// The echo service: it answers a unary request with the request's message, and a stream
// request with one item per byte of it. A request without a body is refused.
import type { Listener, Server } from "@protosocket/protosocket";
import { refused, serveRpc } from "@protosocket/protosocket/rpc";
import { echoMessages, serverCodec } from "./echo.ts";
import { type EchoRequest, type Response, ResponseBehavior } from "./gen/echo.ts";

/** A response; the library sets its id. */
function answer(kind: Response["kind"]): Response {
  return { requestId: 0n, code: 0, kind };
}

function* echoBytes({ message, nanotime }: EchoRequest): Generator<Response> {
  let sequence = 0n;
  for (const byte of new TextEncoder().encode(message)) {
    const item = { message: String.fromCharCode(byte), nanotime, sequence: sequence++ };
    yield answer({ $case: "stream", value: item });
  }
}

/** Serves echoes on each connection that the listener accepts. */
export function serveEcho(listener: Listener): Server {
  return serveRpc(listener, {
    codec: serverCodec,
    messages: echoMessages,
    service: () => ({ body, responseBehavior }) => {
      if (!body) return refused;
      if (responseBehavior === ResponseBehavior.STREAM) return echoBytes(body);
      return answer({ $case: "echo", value: body });
    },
  });
}
