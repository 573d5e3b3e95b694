/**
 * JSON, one value per line, as in NDJSON and JSON Lines. It needs no schema and is human
 * readable; MessagePack and protobuf are smaller and support more types of value.
 *
 * @example
 * ```ts
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import { json } from "@protosocket/protosocket/json";
 *
 * interface Point {
 *   x: number;
 *   y: number;
 * }
 *
 * const [here, there] = duplexPair();
 * await using _mirror = new Connection(there, {
 *   codec: json<Point>(),
 *   reactor: (sender) => ({ onInboundMessage: ({ x, y }) => sender.send({ x: y, y: x }) }),
 * });
 * const connection = new Connection(here, {
 *   codec: json<Point>(),
 *   reactor: () => ({
 *     onInboundMessage(point) {
 *       console.log(point); // { x: 2, y: 1 }
 *       return "disconnect";
 *     },
 *   }),
 * });
 * await connection.sender.send({ x: 1, y: 2 });
 * await connection.closed;
 * ```
 *
 * @module
 */
import type { Codec } from "../codec.ts";
import { lineDelimited } from "./_line_delimited.ts";

/**
 * Makes a codec whose messages are JSON values, one per line (ndjson.org).
 *
 * Decoding uses `JSON.parse`. Nothing checks that the result is an `Inbound`: validate what
 * an untrusted peer sends. A key `__proto__` becomes an ordinary property and changes no
 * prototype; but copying a message's properties to another object (`target[key] = value`)
 * would, so do not do that. A line that is not JSON, including an empty one, ends the
 * connection with `invalid-message`; long lines and an unterminated last line are errors as
 * with `./lines`.
 *
 * Encoding uses `JSON.stringify`: `toJSON` is called, `undefined` and functions in objects
 * are left out, `NaN` becomes `null`. It throws a `TypeError` for a message that is itself
 * `undefined`, a function or a symbol, or that contains a bigint or a cycle.
 */
export function json<Inbound, Outbound = Inbound>(): Codec<Inbound, Outbound> {
  return lineDelimited<Inbound, Outbound>({ format, parse: JSON.parse });
}

function format(message: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(message);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : cause;
    throw new TypeError(`Cannot encode a message as JSON: ${why}`, { cause });
  }
  if (text !== undefined) return text;
  throw new TypeError(`Cannot encode a message as JSON: it has no form for ${typeof message}`);
}
