import { type CancelReason, ControlCode, type RpcId, type RpcMessage } from "../../rpc/mod.ts";
import type { Body } from "../definition.ts";
import type { MetadataValue } from "../metadata.ts";

const NO_BYTES = new Uint8Array(0);

/** Metadata as it is on the wire. */
export type Entries = readonly (readonly [key: string, value: MetadataValue])[];

/** In place of metadata that was more than may be. */
export const TOO_MUCH: Entries = [];

/** A method, as far as its messages need it. */
export interface WireMethod {
  readonly path: string;
  /** The path in UTF-8. */
  readonly pathBytes: Uint8Array;
  readonly encoding: number;
  readonly request: Body<unknown, unknown>;
  readonly response: Body<unknown, unknown>;
}

/** A `Status` on the wire. */
export interface WireStatus {
  readonly code: number;
  readonly message: string;
  readonly details: readonly { readonly typeUrl: string; readonly value: Uint8Array }[];
}

/**
 * The message `Request` of services.proto. Its payload is a value and how to encode it, or where
 * the bytes are: they are decoded by who knows the method.
 */
export class ServiceRequest {
  /** The number of the RPC on its connection. */
  id: RpcId = 0;
  /** What the message means for its RPC. */
  code = 0;
  /** The method, unless a server does not have it. */
  method: WireMethod | undefined = undefined;
  /** Its name, if a server does not have it; empty in a message that begins no RPC. */
  path = "";
  /** Whether there is a value to encode, and how. */
  body: Body<unknown, unknown> | undefined = undefined;
  value: unknown = undefined;
  /** Where the payload is. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  /** The deadline as `performance.now()` counts, or 0. */
  deadline = 0;
  metadata: Entries | undefined = undefined;
  stream = false;
  encoding = 0;
}

/** The message `Response` of services.proto; its payload as in {@linkcode ServiceRequest}. */
export class ServiceResponse {
  /** The number of the RPC on its connection. */
  id: RpcId = 0;
  /** What the message means for its RPC. */
  code = 0;
  /** Whether there is a value to encode, and how. */
  body: Body<unknown, unknown> | undefined = undefined;
  value: unknown = undefined;
  /** Where the payload is. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  status: WireStatus | undefined = undefined;
  metadata: Entries | undefined = undefined;
  trailers: Entries | undefined = undefined;
  unbegun = false;
}

/** Where id and code are in requests. */
export const requestMessages: RpcMessage<ServiceRequest> = {
  id: (message) => message.id,
  setId: (message, id) => message.id = id,
  code: (message) => message.code,
  setCode: (message, code) => message.code = code,
  cancelled: (id) => control(new ServiceRequest(), id, ControlCode.cancel),
  ended: (id) => control(new ServiceRequest(), id, ControlCode.end),
};

/** Where id and code are in responses. */
export const responseMessages: RpcMessage<ServiceResponse> = {
  id: (message) => message.id,
  setId: (message, id) => message.id = id,
  code: (message) => message.code,
  cancelled(id, why) {
    const message = control(new ServiceResponse(), id, ControlCode.cancel);
    if (why !== undefined) message.status = CANCELS[why];
    if (why === "refused") message.unbegun = true;
    return message;
  },
  ended: (id) => control(new ServiceResponse(), id, ControlCode.end),
};

/** What a server says as it cancels. */
const CANCELS: Record<CancelReason, WireStatus> = {
  refused: { code: 14, message: "The server is going away", details: [] },
  shutdown: { code: 14, message: "The server is shutting down", details: [] },
  failed: { code: 13, message: "The response cannot be sent", details: [] },
};

function control<Message extends ServiceRequest | ServiceResponse>(
  message: Message,
  id: RpcId,
  code: number,
): Message {
  message.id = id;
  message.code = code;
  return message;
}
