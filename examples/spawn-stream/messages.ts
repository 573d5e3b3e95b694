// What both ends share: where the ids and control codes are, and the codecs.
import type { Codec } from "@protosocket/protosocket";
import { rpcFields, type RpcMessages } from "@protosocket/protosocket/rpc";
import { tsProto } from "@protosocket/protosocket/ts-proto";
import { Request, Response } from "../proto/gen/spawn_stream.ts";

export const messages: RpcMessages<Request, Response> = {
  request: rpcFields(
    { id: "requestId", code: "code" },
    () => ({ requestId: 0n, code: 0, body: undefined }),
  ),
  response: rpcFields(
    { id: "requestId", code: "code" },
    () => ({ requestId: 0n, code: 0, body: undefined }),
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
