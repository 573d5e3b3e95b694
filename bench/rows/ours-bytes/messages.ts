// The echo of bytes: requests and responses are the same message.
import type { Codec } from "@protosocket/protosocket";
import { ControlCode, type RpcId, type RpcMessages } from "@protosocket/protosocket/rpc";
import { tsProto } from "@protosocket/protosocket/ts-proto";
import { Payload } from "../../proto/gen/bytes.ts";

const NOTHING = new Uint8Array(0);

export function payload(data: Uint8Array): Payload {
  return { requestId: 0n, code: ControlCode.normal, data };
}

function control(id: RpcId, code: number): Payload {
  return { requestId: BigInt(id), code, data: NOTHING };
}

const message: RpcMessages<Payload, Payload>["request"] = {
  id: ({ requestId }) => requestId,
  setId: (message, id) => message.requestId = BigInt(id),
  code: ({ code }) => code,
  cancelled: (id) => control(id, ControlCode.cancel),
  ended: (id) => control(id, ControlCode.end),
};

export const messages: RpcMessages<Payload, Payload> = { request: message, response: message };

export function codec(): Codec<Payload> {
  return tsProto(Payload, Payload);
}
