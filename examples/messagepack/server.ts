// The echo server of the Rust crates' MessagePack example:
//
//   deno run -A examples/messagepack/server.ts 127.0.0.1:9000
//   bun examples/messagepack/server.ts 127.0.0.1:9000
//   npx tsx examples/messagepack/server.ts 127.0.0.1:9000
//
// It answers a unary request with the request's message, and a stream request with one item
// per byte of it. A request without a body is refused.
import process from "node:process";
import { refused, serveRpc } from "@protosocket/protosocket/rpc";
import { listen } from "@protosocket/protosocket/sockets";
import { formatAddress, parseAddress } from "../support/sockets.ts";
import { echoMessages, type EchoRequest, type Response, response, serverCodec } from "./echo.ts";

async function* echoBytes({ message, nanotime }: EchoRequest): AsyncGenerator<Response> {
  let sequence = 0;
  for (const byte of new TextEncoder().encode(message)) {
    const value = { message: String.fromCharCode(byte), nanotime, sequence: sequence++ };
    yield response({ case: "Stream", value });
  }
}

const listener = await listen(parseAddress(process.argv[2] ?? "127.0.0.1:9000"));
const server = serveRpc(listener, {
  codec: serverCodec,
  messages: echoMessages,
  service: () => ({ body, responseBehavior }) => {
    if (!body) return refused;
    return responseBehavior === "Stream"
      ? echoBytes(body)
      : response({ case: "Echo", value: body });
  },
});
console.log(`listening ${formatAddress(listener.address)}`);
await server.finished;
