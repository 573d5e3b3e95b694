import { create } from "@bufbuild/protobuf";
import { connect, listen } from "@protosocket/protosocket/node"; // or /deno, /bun
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { refused, RpcClient, serveRpc } from "@protosocket/protosocket/rpc";
import { echoMessages as messages } from "../proto/echo.ts"; // where a message has its id
import { RequestSchema, ResponseSchema } from "../proto/gen/echo_pb.ts"; // from protoc-gen-es

await using _server = serveRpc(await listen({ port: 9001 }), {
  codec: () => protobufEs(RequestSchema, ResponseSchema),
  messages,
  service: () => ({ body }) => {
    if (!body) return refused;
    return create(ResponseSchema, { kind: { case: "echo", value: { message: body.message } } });
  },
});

await using client = new RpcClient(await connect({ port: 9001 }), {
  codec: protobufEs(ResponseSchema, RequestSchema),
  messages,
});
const request = create(RequestSchema, { body: { message: "hello" } });
const { kind } = await client.unary(request, { timeout: 1000 });
console.log(kind.value?.message);
