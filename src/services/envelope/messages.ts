import { ControlCode, type RpcId, type RpcMessage } from "../../rpc/mod.ts";
import type { Body } from "../definition.ts";
import type { MetadataValue } from "../metadata.ts";
import type { Detail } from "../status.ts";
import { Keeper } from "./keeper.ts";

/** Where there is no payload. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Metadata as it is on the wire. */
export type Entries = readonly (readonly [key: string, value: MetadataValue])[];

/** In place of metadata that was more than may be. */
export const TOO_MUCH: Entries = [];

/** A method, as far as its messages need it. */
export interface WireMethod {
  /** `package.Service/Method`. */
  readonly path: string;
  /** The path in UTF-8. */
  readonly pathBytes: Uint8Array;
  /** How payloads are encoded. */
  readonly encoding: number;
  /** How requests are encoded and decoded. */
  readonly request: Body<unknown, unknown>;
  /** How responses are. */
  readonly response: Body<unknown, unknown>;
}

/** A `Status` on the wire. */
export interface WireStatus {
  /** One of `google.rpc.Code`. */
  readonly code: number;
  /** What went wrong, for people. */
  readonly message: string;
  /** Messages that say more. */
  readonly details: readonly Detail[];
}

/**
 * The message `Request` of services.proto. Its payload is a value and how to encode it, or where
 * the bytes are: they are decoded by who knows the method. What arrives has a value only if nothing
 * was encoded.
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
  /** The value to encode. */
  value: unknown = undefined;
  /** Where the payload is. */
  bytes: Uint8Array = NO_BYTES;
  /** Where it begins in them. */
  start = 0;
  /** Where it ends. */
  end = 0;
  /** The deadline as `performance.now()` counts, or 0. */
  deadline = 0;
  /** What travels beside it. */
  metadata: Entries | undefined = undefined;
  /** Whether the requests are a stream. */
  stream = false;
  /** How payloads are encoded. */
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
  /** The value to encode. */
  value: unknown = undefined;
  /** Where the payload is. */
  bytes: Uint8Array = NO_BYTES;
  /** Where it begins in them. */
  start = 0;
  /** Where it ends. */
  end = 0;
  /** How the call has ended, if it has not with this response. */
  status: WireStatus | undefined = undefined;
  /** What travels beside the beginning of the answer. */
  metadata: Entries | undefined = undefined;
  /** What travels beside its end. */
  trailers: Entries | undefined = undefined;
  /** Whether no handler has seen the request. */
  unbegun = false;
  /** At a server: whom to tell if it cannot be sent. */
  call: { onUnsent(error: unknown): void } | undefined = undefined;
}

/** What has arrived without being encoded: the `value` of a message that has a `body`. */
export interface GivenValue {
  /** What it is for the other end. Throws if that does not take it. */
  as(body: Body<unknown, unknown>): unknown;
}

/** The payload of a message that has arrived. Throws if it is not one for that body. */
export function payloadOf(
  body: Body<unknown, unknown>,
  message: ServiceRequest | ServiceResponse,
): unknown {
  return message.body === undefined
    ? body.decode(message.bytes, message.start, message.end)
    : (message.value as GivenValue).as(body);
}

/** Where id and code are in requests. */
export const requestMessages: RpcMessage<ServiceRequest> = {
  id: (message) => message.id,
  setId: (message, id) => message.id = id,
  code: (message) => message.code,
  setCode: (message, code) => message.code = code,
  keeper: () => new Keeper(),
  cancelled: (id) => control(new ServiceRequest(), id, ControlCode.cancel),
  ended: (id) => control(new ServiceRequest(), id, ControlCode.end),
};

/** Where id and code are in responses. */
export const responseMessages: RpcMessage<ServiceResponse> = {
  id: (message) => message.id,
  setId: (message, id) => message.id = id,
  code: (message) => message.code,
  keeper: () => new Keeper(),
  cancelled: (id) => control(new ServiceResponse(), id, ControlCode.cancel),
  ended: (id) => control(new ServiceResponse(), id, ControlCode.end),
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
