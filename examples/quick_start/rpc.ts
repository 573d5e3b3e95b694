import { connect, listen } from "@protosocket/protosocket/node"; // or /deno, /bun
import { refused, type RpcAnswer, RpcClient, serveRpc } from "@protosocket/protosocket/rpc";
import { tsProto } from "@protosocket/protosocket/ts-proto";
import { echoMessages as messages } from "../proto/echo.ts"; // where ids are in a message
import { Request, Response } from "../proto/gen/echo.ts"; // by ts-proto

await using _server = serveRpc(await listen({ port: 9001 }), {
  codec: () => tsProto(Request, Response),
  messages,
  service: () => ({ body }): RpcAnswer<Response> => {
    if (!body) return refused;
    return { requestId: 0n, code: 0, kind: { $case: "echo", value: body } };
  },
});

await using client = new RpcClient(await connect({ port: 9001 }), {
  codec: tsProto(Response, Request),
  messages,
});
const { kind } = await client.unary({
  requestId: 0n,
  code: 0,
  body: { message: "hello", nanotime: 0n },
  responseBehavior: 0,
}, { timeout: 1000 });
console.log(kind?.value.message);
