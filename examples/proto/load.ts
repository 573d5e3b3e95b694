// What the load clients send, and what should come back.
import { create } from "@bufbuild/protobuf";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import type { Echo } from "../support/load_client.ts";
import { echoMessages } from "./echo.ts";
import {
  EchoRequestSchema,
  type Request,
  RequestSchema,
  type Response,
  ResponseSchema,
} from "./gen/echo_pb.ts";

export const echo: Echo<Request, Response> = {
  codec: () => protobufEs(ResponseSchema, RequestSchema),
  messages: echoMessages,
  request(message, nanotime) {
    const body = create(EchoRequestSchema, { message, nanotime: BigInt(nanotime) });
    return create(RequestSchema, { body });
  },
  isEcho: ({ kind }, message, nanotime) =>
    kind.case === "echo" && kind.value.message === message &&
    kind.value.nanotime === BigInt(nanotime),
};
