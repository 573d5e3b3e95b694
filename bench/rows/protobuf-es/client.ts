// The client of the echo over this library, with messages of protoc-gen-es.
import { create } from "@bufbuild/protobuf";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import {
  EchoRequestSchema,
  RequestSchema,
  ResponseSchema,
} from "../../../examples/proto/gen/echo_pb.ts";
import { echoMessages } from "../../../examples/support/echo_es.ts";
import { unaryClient } from "../unary.ts";

await unaryClient({
  codec: () => protobufEs(ResponseSchema, RequestSchema),
  messages: echoMessages,
  request(message, nanotime) {
    const body = create(EchoRequestSchema, { message, nanotime: BigInt(nanotime) });
    return create(RequestSchema, { body });
  },
  isEcho: ({ kind }, message, nanotime) =>
    kind.case === "echo" && kind.value.message === message &&
    kind.value.nanotime === BigInt(nanotime),
});
