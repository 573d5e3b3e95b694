// The echo server of the Rust crates' proto example:
//
//   deno run -A examples/proto/server.ts 127.0.0.1:9000
//   bun examples/proto/server.ts 127.0.0.1:9000
//   npx tsx examples/proto/server.ts 127.0.0.1:9000
//
// It answers a unary request with its message, and a stream request with one item per
// byte of the message. A request without a body is refused.
import { create } from "@bufbuild/protobuf";
import process from "node:process";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { refused, serveRpc } from "@protosocket/protosocket/rpc";
import { formatAddress, parseAddress, sockets } from "../support/sockets.ts";
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

const { listen } = await sockets();
const listener = await listen(parseAddress(process.argv[2] ?? "127.0.0.1:9000"));
const server = serveRpc(listener, {
  codec: () => protobufEs(RequestSchema, ResponseSchema),
  messages: echoMessages,
  service: () => ({ body, responseBehavior }) => {
    if (!body) return refused;
    return responseBehavior === ResponseBehavior.STREAM ? echoBytes(body) : echo(body);
  },
});
console.log(`listening ${formatAddress(listener.address)}`);
await server.finished;
