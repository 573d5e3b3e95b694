// The server of the soak: the echo of the proto example, and one of MessagePack that never
// answers the message "never" until its rpc is cancelled.
//
//   node --expose-gc --import tsx bench/soak/server.ts SECONDS_BETWEEN_SAMPLES
import process from "node:process";
import { refused, type RpcContext, serveRpc } from "@protosocket/protosocket/rpc";
import {
  echoMessages,
  type EchoRequest,
  type Response,
  response,
  serverCodec,
} from "../../examples/messagepack/echo.ts";
import { serveEcho } from "../../examples/proto/service.ts";
import { formatAddress, sockets } from "../../examples/support/sockets.ts";
import { sampling } from "./sample.ts";

const counts = { started: 0, abandoned: 0 };

async function* echoBytes({ message, nanotime }: EchoRequest): AsyncGenerator<Response> {
  for (let sequence = 0; sequence < message.length; sequence++) {
    yield response({ case: "Stream", value: { message: message[sequence]!, nanotime, sequence } });
  }
}

async function never({ signal }: RpcContext): Promise<typeof refused> {
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  }
  counts.abandoned++;
  return refused;
}

const { listen } = await sockets();
const protobuf = await listen({ port: 0 });
const messagePack = await listen({ port: 0 });
serveEcho(protobuf);
serveRpc(messagePack, {
  codec: serverCodec,
  messages: echoMessages,
  service: () => ({ body, responseBehavior }, context) => {
    counts.started++;
    if (!body) return refused;
    if (body.message === "never") return never(context);
    return responseBehavior === "Stream"
      ? echoBytes(body)
      : response({ case: "Echo", value: body });
  },
});
sampling(Number(process.argv[2]), () => ({ ...counts }));
console.log(`listening ${formatAddress(protobuf.address)} ${formatAddress(messagePack.address)}`);
