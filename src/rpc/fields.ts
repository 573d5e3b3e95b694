import { isObject, shown, wrong } from "../check.ts";
import { ControlCode, type RpcId, type RpcMessage } from "./message.ts";

/** The names of fields that may hold an RPC's id. */
export type RpcIdName<Message> = {
  [Name in keyof Message & string]-?: NonNullable<Message[Name]> extends RpcId ? Name : never;
}[keyof Message & string];

/** The names of fields that may hold a control code. */
export type RpcCodeName<Message> = {
  [Name in keyof Message & string]-?: NonNullable<Message[Name]> extends number ? Name : never;
}[keyof Message & string];

/** Where the id and the control code are in a type of message: the names of two of its fields. */
export interface RpcFieldNames<Message> {
  /** The field of the id: a number, a bigint, or either. */
  readonly id: RpcIdName<Message>;
  /** The field of the control code. Where a message has none, it is 0. */
  readonly code: RpcCodeName<Message>;
}

/** The names of two fields that are enough to make a message: all others are optional. */
export type RpcPlainNames<Message> = {
  [Id in RpcIdName<Message>]: {
    [Code in RpcCodeName<Message>]: number extends NonNullable<Message[Id]>
      ? Record<never, never> extends Omit<Message, Id | Code>
        ? { readonly id: Id; readonly code: Code }
      : never
      : never;
  }[RpcCodeName<Message>];
}[RpcIdName<Message>];

/**
 * Makes an {@linkcode RpcMessage} for messages whose id and control code are plain fields. The
 * names are enough if all other fields are optional and the id may be a number.
 *
 * @example JSON, or any other codec of plain objects
 * ```ts
 * import { rpcFields, type RpcMessages } from "@protosocket/protosocket/rpc";
 *
 * interface Message {
 *   id: number;
 *   code: number;
 *   text?: string;
 * }
 * const message = rpcFields<Message>({ id: "id", code: "code" });
 * const messages: RpcMessages<Message, Message> = { request: message, response: message };
 * console.log(messages.request.cancelled(7)); // { id: 7, code: 1 }
 * ```
 */
export function rpcFields<Message extends object>(
  names: RpcPlainNames<Message>,
): RpcMessage<Message>;
/**
 * Makes an {@linkcode RpcMessage} for messages whose id and control code are plain fields, and
 * that have others, too: `empty` makes a message that has nothing else to say. Its id tells
 * whether the messages have theirs as bigints.
 *
 * @example Code by ts-proto; protoc-gen-es has `() => create(RequestSchema)` for it
 * ```ts
 * import { rpcFields } from "@protosocket/protosocket/rpc";
 *
 * interface Request {
 *   requestId: bigint;
 *   code: number;
 *   body: { message: string } | undefined;
 * }
 * const empty = (): Request => ({ requestId: 0n, code: 0, body: undefined });
 * const request = rpcFields({ id: "requestId", code: "code" }, empty);
 * console.log(request.cancelled(7).requestId); // 7n
 * ```
 */
export function rpcFields<Message extends object>(
  names: RpcFieldNames<Message>,
  empty: () => Message,
): RpcMessage<Message>;
/** Makes one of either kind. */
export function rpcFields<Message extends object>(
  names: { readonly id: string; readonly code: string },
  empty: () => Message = () => ({} as Message),
): RpcMessage<Message> {
  const { id: idName, code: codeName } = names;
  for (const name of [idName, codeName]) {
    if (typeof name === "string") continue;
    throw wrong(`The names of the id and the code must be strings, not ${typeof name}`);
  }
  // Each id would be the code, too: calls would be taken for Cancels, and never be answered.
  if (idName === codeName) throw wrong(`The id and the code are both in ${idName}`);
  const isBig = typeof (empty() as Fields)[idName] === "bigint";
  // Each reads or writes one field, in place: a function for any field would be slower.
  const setId = isBig
    ? (message: Message, id: RpcId) => fieldsOf(message)[idName] = BigInt(id)
    : (message: Message, id: RpcId) => fieldsOf(message)[idName] = id;
  const make = (id: RpcId, code: number) => {
    const message = empty();
    setId(message, id);
    (message as Fields)[codeName] = code;
    return message;
  };
  return {
    id: (message) => (message as Fields)[idName]!,
    setId,
    code: (message) => ((message as Fields)[codeName] ?? ControlCode.normal) as number,
    cancelled: (id) => make(id, ControlCode.cancel),
    ended: (id) => make(id, ControlCode.end),
  };
}

/** An array would take an id, and lose it in JSON: the peer would end the connection. */
function fieldsOf(message: unknown): Fields {
  if (isObject(message) && !Array.isArray(message)) return message as Fields;
  throw wrong(`A message must be an object, not ${shown(message)}`);
}

/** A message of which two fields are of interest. */
type Fields = Record<string, RpcId | undefined>;
