// Of the messages of examples/proto, as protoc-gen-es makes them, where their ids and control
// codes are.
import { create } from "@bufbuild/protobuf";
import { ControlCode, type RpcId, type RpcMessages } from "@protosocket/protosocket/rpc";
import {
  type Request,
  RequestSchema,
  type Response,
  ResponseSchema,
} from "../proto/gen/echo_pb.ts";

function request(id: RpcId, code: number): Request {
  return create(RequestSchema, { requestId: BigInt(id), code });
}

function response(id: RpcId, code: number): Response {
  return create(ResponseSchema, { requestId: BigInt(id), code });
}

export const echoMessages: RpcMessages<Request, Response> = {
  request: {
    id: (message) => message.requestId,
    setId: (message, id) => message.requestId = BigInt(id),
    code: (message) => message.code,
    cancelled: (id) => request(id, ControlCode.cancel),
    ended: (id) => request(id, ControlCode.end),
  },
  response: {
    id: (message) => message.requestId,
    setId: (message, id) => message.requestId = BigInt(id),
    code: (message) => message.code,
    cancelled: (id) => response(id, ControlCode.cancel),
    ended: (id) => response(id, ControlCode.end),
  },
};
