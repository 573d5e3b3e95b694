// What both ends of the example share: where the ids and control codes are in their messages,
// and the codecs.
import type { Codec } from "@protosocket/protosocket";
import { rpcFields, type RpcMessages } from "@protosocket/protosocket/rpc";
import { tsProto } from "@protosocket/protosocket/ts-proto";
import { Request, Response, ResponseBehavior } from "./gen/echo.ts";

export const echoMessages: RpcMessages<Request, Response> = {
  request: rpcFields({ id: "requestId", code: "code" }, () => ({
    requestId: 0n,
    code: 0,
    body: undefined,
    responseBehavior: ResponseBehavior.UNARY,
  })),
  response: rpcFields(
    { id: "requestId", code: "code" },
    () => ({ requestId: 0n, code: 0, kind: undefined }),
  ),
};

/** For the client of a connection. */
export function clientCodec(): Codec<Response, Request> {
  return tsProto(Response, Request);
}

/** For the server's end of one. */
export function serverCodec(): Codec<Request, Response> {
  return tsProto(Request, Response);
}
