import { ConnectionError } from "../../mod.ts";
import { checkFunction } from "../check.ts";

/**
 * Identifies an RPC on its connection: an unsigned 64-bit integer. A number up to
 * 2^53 - 1, where that is exact, and a bigint beyond.
 */
export type RpcId = number | bigint;

/** What a message means for its RPC. Any other code on the wire is taken as `cancel`. */
export const ControlCode: {
  /** A request, a response, or an item of a stream. */
  readonly normal: 0;
  /** From a client: stop working on the RPC. From a server: the RPC was refused or failed. */
  readonly cancel: 1;
  /** From a server: the stream is complete. */
  readonly end: 2;
} = { normal: 0, cancel: 1, end: 2 };

/**
 * Tells where the RPC's id and control code are in a type of message. Any schema will do
 * that has room for a u64 and a small integer.
 * {@linkcode rpcFields} makes one for messages that have them in two fields of their own.
 *
 * @example An id that is in a header
 * ```ts
 * import { ControlCode, type RpcId, type RpcMessage } from "@protosocket/protosocket/rpc";
 *
 * interface Request {
 *   header: { id: RpcId; code: number };
 *   text: string;
 * }
 * const request = (id: RpcId, code: number): Request => ({ header: { id, code }, text: "" });
 * const requests: RpcMessage<Request> = {
 *   id: ({ header }) => header.id,
 *   setId: ({ header }, id) => header.id = id,
 *   code: ({ header }) => header.code,
 *   cancelled: (id) => request(id, ControlCode.cancel),
 *   ended: (id) => request(id, ControlCode.end),
 * };
 * console.log(requests.cancelled(7).header.id); // 7
 * ```
 */
export interface RpcMessage<Message> {
  /** Reads the id. It may be a bigint even if a number could hold it. */
  id(message: Message): RpcId;
  /** Writes the id into the message. */
  setId(message: Message, id: RpcId): void;
  /** Reads the control code. */
  code(message: Message): number;
  /**
   * Makes the message that cancels an RPC: with that id and {@linkcode ControlCode.cancel}. A
   * server says why, for messages that have room for it, unless the client has cancelled it.
   */
  cancelled(id: RpcId, why?: CancelReason): Message;
  /** Makes the message that ends a stream: with that id and {@linkcode ControlCode.end}. */
  ended(id: RpcId): Message;
  /**
   * Writes the control code into the message; only for requests, and only needed to send streams
   * of them.
   */
  setCode?(message: Message, code: number): void;
  /** Reads why a server has cancelled an RPC: the `cause` of the caller's error. */
  reason?(message: Message): unknown;
  /**
   * Makes what is told of messages that wait until they are read or begun, for messages that are
   * views of the chunks in which they arrived: a few that are small should not keep large chunks in
   * memory. There is one for each stream, and one for the requests beyond `maxConcurrentRpcs`.
   */
  keeper?(): MessageKeeper<Message>;
}

/** Is told of messages that have to wait. */
export interface MessageKeeper<Message> {
  /**
   * One more has to wait. Returns what it takes in memory besides its bytes on the wire, if that is
   * much: so much more is counted of a request beyond `maxConcurrentRpcs`.
   */
  add(message: Message): number | void;
  /** None waits any more. */
  clear(): void;
}

/**
 * Why a server cancels an RPC: its handler has not been called, the server's time to drain is up,
 * or the handler, or the encoding of its response, has failed.
 */
export type CancelReason = "refused" | "shutdown" | "failed";

/** Both message types of an RPC protocol. */
export interface RpcMessages<Request, Response> {
  /** What a client sends. */
  readonly request: RpcMessage<Request>;
  /** What a server sends. */
  readonly response: RpcMessage<Response>;
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const END_OF_IDS = 2n ** 64n;

/** Normalizes an id so that it can be looked up: a number wherever that is exact. */
export function plainId(id: RpcId): RpcId {
  return typeof id === "bigint" && id <= MAX_SAFE ? Number(id) : id;
}

/**
 * Reads the id of a message that comes from a peer, and may have anything in the id's place, as
 * JSON does. Throws a `ConnectionError` of code `invalid-message` for what is no id: that is
 * the peer's fault.
 */
export function readId<Message>(messages: RpcMessage<Message>, message: Message): RpcId {
  const id = plainId(read(messages.id, message));
  if (typeof id === "number" ? Number.isSafeInteger(id) && id >= 0 : isBigId(id)) {
    return id;
  }
  const what = typeof id === "number" ? id : `a value of type ${typeof id}`;
  throw new ConnectionError(
    "invalid-message",
    `The id of an rpc must be an integer from 0 to 2^64 - 1, not ${what}`,
  );
}

function isBigId(id: unknown): boolean {
  return typeof id === "bigint" && id > MAX_SAFE && id < END_OF_IDS;
}

/** Reads the control code of a message that comes from a peer. Throws as {@linkcode readId}. */
export function readCode<Message>(messages: RpcMessage<Message>, message: Message): number {
  return read(messages.code, message);
}

function read<Message, T>(part: (message: Message) => T, message: Message): T {
  try {
    return part(message);
  } catch (cause) {
    throw new ConnectionError("invalid-message", "The message has no id or control code", {
      cause,
    });
  }
}

/** Checks that both mappings are whole. */
export function checkMessages<Request, Response>(messages: RpcMessages<Request, Response>): void {
  for (const side of ["request", "response"] as const) {
    for (const part of ["id", "setId", "code", "cancelled", "ended"] as const) {
      checkFunction(`messages.${side}.${part}`, messages?.[side]?.[part]);
    }
  }
}
