// The echo over this library, with messages of protoc-gen-es.
import { create } from "@bufbuild/protobuf";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { refused, serveRpc } from "@protosocket/protosocket/rpc";
import {
  EchoResponseSchema,
  RequestSchema,
  ResponseSchema,
} from "../../../examples/proto/gen/echo_pb.ts";
import { echoMessages } from "../../../examples/support/echo_es.ts";
import { sockets } from "../../../examples/support/sockets.ts";
import { serving } from "../../server.ts";

const { listen } = await sockets();
const listener = await listen({ port: 0 });
serveRpc(listener, {
  codec: () => protobufEs(RequestSchema, ResponseSchema),
  messages: echoMessages,
  service: () => ({ body }) => {
    if (!body) return refused;
    const { message, nanotime } = body;
    const value = create(EchoResponseSchema, { message, nanotime });
    return create(ResponseSchema, { kind: { case: "echo", value } });
  },
});
if (listener.address.transport !== "tcp") throw new Error("It listens on no port");
await serving(listener.address.port);
