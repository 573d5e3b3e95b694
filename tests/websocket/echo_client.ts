import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { RpcClient } from "@protosocket/protosocket/rpc";
import type { Duplex } from "../../mod.ts";
import { echoMessages } from "../../examples/support/echo_es.ts";
import {
  type Request,
  RequestSchema,
  type Response,
  ResponseSchema,
} from "../../examples/proto/gen/echo_pb.ts";

/** A client of the echo servers over any duplex. */
export function echoOver(duplex: Duplex): RpcClient<Request, Response> {
  return new RpcClient(duplex, {
    codec: protobufEs(ResponseSchema, RequestSchema),
    messages: echoMessages,
  });
}
