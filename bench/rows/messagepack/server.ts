// The echo of examples/messagepack over this library.
import { refused, serveRpc } from "@protosocket/protosocket/rpc";
import { echoMessages, response, serverCodec } from "../../../examples/messagepack/echo.ts";
import { sockets } from "../../../examples/support/sockets.ts";
import { serving } from "../../server.ts";

const { listen } = await sockets();
const listener = await listen({ port: 0 });
serveRpc(listener, {
  codec: serverCodec,
  messages: echoMessages,
  service: () => ({ body }) => body ? response({ case: "Echo", value: body }) : refused,
});
if (listener.address.transport !== "tcp") throw new Error("It listens on no port");
await serving(listener.address.port);
