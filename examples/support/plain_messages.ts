// RPC messages as plain objects, for examples that are not about the encoding. With the
// codec of ./json, they can be typed by hand: {"id":1,"code":0,"body":…}
import { ControlCode, rpcFields, type RpcId, type RpcMessage } from "@protosocket/protosocket/rpc";

export interface Plain<Body> {
  id: RpcId;
  code: number;
  body?: Body;
}

/** A request or a response; the sending end sets its id. */
export function plain<Body>(body: Body): Plain<Body> {
  return { id: 0, code: ControlCode.normal, body };
}

/** Where ids and control codes are in these messages. */
export function plainMessage<Body>(): RpcMessage<Plain<Body>> {
  return rpcFields<Plain<unknown>>({ id: "id", code: "code" }) as RpcMessage<Plain<Body>>;
}
