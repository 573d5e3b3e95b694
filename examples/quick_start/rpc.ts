import { json } from "@protosocket/protosocket/json";
import { refused, RpcClient, rpcFields, serveRpc } from "@protosocket/protosocket/rpc";
import { connect, listen } from "@protosocket/protosocket/sockets";

type Message = { id?: number; code?: number; text?: string };
const message = rpcFields<Message>({ id: "id", code: "code" }); // each end fills them in
const messages = { request: message, response: message };

await using _server = serveRpc(await listen({ port: 9001 }), {
  codec: () => json<Message>(),
  messages,
  service: () => ({ text }) => text ? { text: `hello, ${text}` } : refused,
});

await using client = new RpcClient(await connect({ port: 9001 }), {
  codec: json<Message>(),
  messages,
});
const { text } = await client.unary({ text: "world" }, { timeout: 1000 });
console.log(text); // hello, world
