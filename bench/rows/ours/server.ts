// The echo of examples/proto over this library.
import { create } from "@bufbuild/protobuf";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { refused, serveRpc } from "@protosocket/protosocket/rpc";
import { echoMessages } from "../../../examples/proto/echo.ts";
import {
  type EchoRequest,
  EchoResponseSchema,
  EchoStreamSchema,
  RequestSchema,
  type Response,
  ResponseBehavior,
  ResponseSchema,
} from "../../../examples/proto/gen/echo_pb.ts";
import { sockets } from "../../../examples/support/sockets.ts";
import { MAX_MESSAGE } from "../../limits.ts";
import { serving } from "../../server.ts";

function echo({ message, nanotime }: EchoRequest): Response {
  const value = create(EchoResponseSchema, { message, nanotime });
  return create(ResponseSchema, { kind: { case: "echo", value } });
}

/** As many items as the message says, of as many bytes as nanotime says. */
async function* items(request: EchoRequest): AsyncGenerator<Response> {
  const count = Number(request.message);
  const message = "x".repeat(Number(request.nanotime));
  for (let sequence = 0; sequence < count; sequence++) {
    const value = create(EchoStreamSchema, { message, sequence: BigInt(sequence) });
    yield create(ResponseSchema, { kind: { case: "stream", value } });
  }
}

const { listen } = await sockets();
const listener = await listen({ port: 0 });
serveRpc(listener, {
  codec: () => protobufEs(RequestSchema, ResponseSchema),
  messages: echoMessages,
  maxBufferLength: MAX_MESSAGE,
  maxConnections: 20_000,
  maxConnectionsPerAddress: 20_000,
  service: () => ({ body, responseBehavior }) => {
    if (!body) return refused;
    return responseBehavior === ResponseBehavior.STREAM ? items(body) : echo(body);
  },
});
if (listener.address.transport !== "tcp") throw new Error("It listens on no port");
await serving(listener.address.port);
