// What both ends of the example share: where the ids and control codes are in their messages,
// and the codecs.
import type { Codec } from "@protosocket/protosocket";
import { ControlCode, type RpcId, type RpcMessages } from "@protosocket/protosocket/rpc";
import { tsProto } from "@protosocket/protosocket/ts-proto";
import { Request, Response, ResponseBehavior } from "./gen/echo.ts";

function request(id: RpcId, code: number): Request {
  const requestId = BigInt(id);
  return { requestId, code, body: undefined, responseBehavior: ResponseBehavior.UNARY };
}

function response(id: RpcId, code: number): Response {
  return { requestId: BigInt(id), code, kind: undefined };
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

/** For the client of a connection. */
export function clientCodec(): Codec<Response, Request> {
  return tsProto(Response, Request);
}

/** For the server's end of one. */
export function serverCodec(): Codec<Request, Response> {
  return tsProto(Request, Response);
}
