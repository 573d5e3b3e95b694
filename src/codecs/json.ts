/**
 * JSON, one value a line, as NDJSON and JSON Lines have it. Needs no schema and can be
 * read by people; MessagePack and protobuf are smaller and hold more kinds of value.
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
 * Makes a codec whose messages are JSON values, one a line (ndjson.org).
 *
 * Reading, a value is what `JSON.parse` makes of the line, and nothing checks that it is
 * an `Inbound`: validate what a stranger sends. A key `__proto__` becomes an ordinary
 * property of its object and changes no prototype; assigning a message's properties to
 * an object of your own (`target[key] = value`) would, so do not. A line that is no JSON,
 * an empty one too, ends the connection with `invalid-message`; long lines and a last
 * line without an end are refused as they are by `./lines`.
 *
 * Writing is `JSON.stringify`: `toJSON` is called, `undefined` and functions within
 * objects are left out, `NaN` becomes `null`. A message that is itself `undefined`, a
 * function or a symbol throws a `TypeError`, and so does one with a bigint or a cycle
 * anywhere.
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
