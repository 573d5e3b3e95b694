import { plainId, type RpcId, type RpcMessage } from "./message.ts";

/** The default of `maxBufferedBytes`, of a client and of a server: 1 MiB. */
export const DEFAULT_MAX_BUFFERED_BYTES: number = 1024 * 1024;

/**
 * What the two ends of this package tell each other about a connection, in messages that other
 * peers ignore: an End whose id is this number plus a value. No RPC of theirs has such an id.
 *
 * - From a client, before its first request: the value is its `maxBufferedBytes`. A server then
 *   sends of each stream no more than so much ahead of its reader; see {@linkcode costOf} and
 *   {@linkcode grantOf}. It also says that an RPC's id is odd if the client expects a stream,
 *   and even if it expects one response; a server whose handler does otherwise cancels the id's
 *   {@linkcode neighbour}.
 * - From a server that begins to drain or to close: the value is how many requests of this
 *   connection it has taken. It does not begin later ones, and says nothing about them.
 *
 * - {@linkcode NOT_BEGUN} plus the id of an RPC, from a server to a client that has announced
 *   itself: instead of a Cancel, that the server is overloaded and has not begun the RPC.
 *
 * Streams of requests ride on such Ends too, since a server that does not know them would take
 * every Normal as a new RPC:
 *
 * - {@linkcode QUESTION} from a client, before its first stream of requests: does the server take
 *   them? It answers with the same id plus the window, at once.
 * - {@linkcode ITEM} plus the id of an RPC: from a client, an item; from a server, that its handler
 *   has begun to read, which is credit for the window, and then, credit for {@linkcode grantOf}.
 *   Items count as {@linkcode costOf} says. Nothing is sent of a stream before its first credit.
 * - {@linkcode LAST} plus the id of an RPC: from a client, that there are no more items; from a
 *   server, that it wants no more.
 */
const RESERVED = 2 ** 52;
/** Values are below this. */
const END_OF_VALUES = 2 ** 40;
const QUESTION = RESERVED + 2 ** 41;
const NOT_BEGUN = RESERVED + 2 ** 43;
const LAST = RESERVED + 2 ** 50;
const ITEM = RESERVED + 2 ** 51;
/** What an item of a stream takes in memory besides its bytes, roughly. */
const OVERHEAD = 64;

/** Makes the End with that value; `undefined` if the ids of this schema have no room for it. */
export function reservedEnd<Message>(
  messages: RpcMessage<Message>,
  value: number,
): Message | undefined {
  try {
    const message = messages.ended(RESERVED + value);
    return plainId(messages.id(message)) === RESERVED + value ? message : undefined;
  } catch {
    return undefined;
  }
}

/** The value of an End with that id; `undefined` if it is about an RPC. */
export function reservedValue(id: RpcId): number | undefined {
  if (typeof id !== "number" || id < RESERVED) return undefined;
  const value = id - RESERVED;
  return value < END_OF_VALUES ? value : undefined;
}

/** Asks a server whether it takes streams of requests; `undefined` as {@linkcode reservedEnd}. */
export function question<Message>(
  messages: RpcMessage<Message>,
  window = 0,
): Message | undefined {
  return reservedEnd(messages, QUESTION - RESERVED + window);
}

/** What {@linkcode question} says: the window, or 0 of a client; `undefined` for other Ends. */
export function questionedWindow(id: RpcId): number | undefined {
  if (typeof id !== "number" || id < QUESTION) return undefined;
  const window = id - QUESTION;
  return window < END_OF_VALUES ? window : undefined;
}

/** Says that an RPC was not begun; `undefined` as {@linkcode reservedEnd}. */
export function notBegun<Message>(messages: RpcMessage<Message>, id: RpcId): Message | undefined {
  const plain = plainId(id);
  if (typeof plain !== "number" || plain >= 2 ** 43) return undefined;
  return reservedEnd(messages, NOT_BEGUN - RESERVED + plain);
}

/** The id of the RPC of which {@linkcode notBegun} says so; `undefined` for other Ends. */
export function notBegunId(id: RpcId): number | undefined {
  if (typeof id !== "number" || id < NOT_BEGUN || id >= NOT_BEGUN + 2 ** 43) return undefined;
  return id - NOT_BEGUN;
}

/** Whether an RPC with that id may have a stream of requests: there is room for its Ends. */
export function mayHaveItems(id: RpcId): id is number {
  return typeof id === "number" && id < ITEM - LAST;
}

/** The id of an End that is an item, or credit, of the RPC with that id. */
export function itemId(id: number): number {
  return ITEM + id;
}

/** The id of an End that says that a stream of requests is over. */
export function lastId(id: number): number {
  return LAST + id;
}

/** The id of the RPC whose request stream an End is about, and whether that is over. */
export function aboutRequests(id: RpcId): { id: number; last: boolean } | undefined {
  if (typeof id !== "number" || id < LAST) return undefined;
  return id < ITEM ? { id: id - LAST, last: true } : { id: id - ITEM, last: false };
}

/**
 * What an item counts for, given its size on the wire: at most the window, so that an item
 * larger than that needs two or three grants, not thousands.
 */
export function costOf(bytes: number, window: number): number {
  return Math.min(bytes + OVERHEAD, window);
}

/**
 * How much more of a stream each End with its id lets a server send. At least 1, also for a
 * window of 1.
 */
export function grantOf(window: number): number {
  return Math.ceil(window / 2);
}

/**
 * Whether a client that has announced itself expects a stream for that id; `undefined` for an id
 * that no such client gives.
 */
export function isForStream(id: RpcId): boolean | undefined {
  return typeof id === "number" ? id % 2 === 1 : undefined;
}

/** The id that differs in whether a stream is expected. */
export function neighbour(id: number): number {
  return id % 2 === 1 ? id - 1 : id + 1;
}

/** Why a connection takes no more calls whose server has said so. */
export const GOING_AWAY = "The server is going away";
