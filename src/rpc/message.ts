/**
 * Tells rpcs of a connection apart: any unsigned 64-bit number. A plain number where
 * that is exact (up to 2^53 - 1), a bigint beyond.
 */
export type RpcId = number | bigint;

/** What a message means for its rpc. Any other code on the wire reads as `cancel`. */
export const ControlCode: {
  /** A request, an answer, or an item of a stream. */
  readonly normal: 0;
  /** From a client: stop working on it. From a server: it was refused or cancelled. */
  readonly cancel: 1;
  /** From a server: the stream is complete. */
  readonly end: 2;
} = { normal: 0, cancel: 1, end: 2 };

/**
 * Where the rpc's id and control code are in a type of message. That is the
 * message's own business: any schema with room for a u64 and a small number will do.
 *
 * @example Of a type that protoc-gen-es generated
 * ```ts
 * import { create } from "@bufbuild/protobuf";
 * import { ControlCode, type RpcMessage } from "@protosocket/protosocket/rpc";
 * import { type Request, RequestSchema } from "../../examples/proto/gen/echo_pb.ts";
 *
 * const requests: RpcMessage<Request> = {
 *   id: (request) => request.requestId,
 *   setId: (request, id) => request.requestId = BigInt(id),
 *   code: (request) => request.code,
 *   cancelled: (id) => create(RequestSchema, { requestId: BigInt(id), code: ControlCode.cancel }),
 *   ended: (id) => create(RequestSchema, { requestId: BigInt(id), code: ControlCode.end }),
 * };
 * console.log(requests.cancelled(7).requestId); // 7n
 * ```
 */
export interface RpcMessage<Message> {
  /** Reads the id. A bigint that a plain number can hold is fine too. */
  id(message: Message): RpcId;
  /** Writes the id into the message. */
  setId(message: Message, id: RpcId): void;
  /** Reads the control code. */
  code(message: Message): number;
  /** Makes a message that cancels an rpc. */
  cancelled(id: RpcId): Message;
  /** Makes a message that ends the stream of an rpc. */
  ended(id: RpcId): Message;
}

/** Both types of message of an rpc protocol. */
export interface RpcMessages<Request, Response> {
  /** What a client sends. */
  readonly request: RpcMessage<Request>;
  /** What a server sends. */
  readonly response: RpcMessage<Response>;
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** One form for each id, so that it can be looked up: a number wherever that is exact. */
export function plainId(id: RpcId): RpcId {
  return typeof id === "bigint" && id <= MAX_SAFE ? Number(id) : id;
}
