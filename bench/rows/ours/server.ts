// The echo of examples/proto over this library.
import { refused, type RpcAnswer, serveRpc } from "@protosocket/protosocket/rpc";
import { echoMessages, serverCodec } from "../../../examples/proto/echo.ts";
import {
  type EchoRequest,
  type Response,
  ResponseBehavior,
} from "../../../examples/proto/gen/echo.ts";
import { MAX_MESSAGE } from "../../limits.ts";
import { serving } from "../../server.ts";
import { listen } from "./by_streams.ts";

/** As many items as the message says, of as many bytes as nanotime says. */
function* items(request: EchoRequest): Generator<Response> {
  const count = Number(request.message);
  const message = "x".repeat(Number(request.nanotime));
  for (let sequence = 0; sequence < count; sequence++) {
    const value = { message, nanotime: 0n, sequence: BigInt(sequence) };
    yield { requestId: 0n, code: 0, kind: { $case: "stream", value } };
  }
}

const { listener, port } = await listen();
serveRpc(listener, {
  codec: serverCodec,
  messages: echoMessages,
  maxBufferLength: MAX_MESSAGE,
  maxConnections: 20_000,
  maxConnectionsPerAddress: 20_000,
  service: () => ({ body, responseBehavior }): RpcAnswer<Response> => {
    if (!body) return refused;
    if (responseBehavior === ResponseBehavior.STREAM) return items(body);
    return { requestId: 0n, code: 0, kind: { $case: "echo", value: body } };
  },
});
await serving(port);
