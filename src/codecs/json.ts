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
import { type DecodeOptions, maxObjectsOf, TooManyObjects } from "./object_budget.ts";
import { reasonOf } from "../reason.ts";

export type { DecodeOptions } from "./object_budget.ts";

/**
 * Makes a codec whose messages are JSON values, one per line (ndjson.org).
 *
 * Decoding uses `JSON.parse`. Nothing checks that the result is an `Inbound`: validate what
 * an untrusted peer sends. A key `__proto__` becomes an ordinary property and changes no
 * prototype; but copying a message's properties to another object (`target[key] = value`)
 * would, so do not do that. A line that is not JSON, including an empty one, ends the
 * connection with `invalid-message`; long lines and an unterminated last line are errors as
 * with `./lines`. A line may have `maxObjects` arrays, objects and properties of objects, so that
 * a short one does not take a lot of memory. Throws a `RangeError` for a bad option.
 *
 * Encoding uses `JSON.stringify`: `toJSON` is called, `undefined` and functions in objects
 * are left out, `NaN` becomes `null`. It throws a `TypeError` for a message that is itself
 * `undefined`, a function or a symbol, or that contains a bigint or a cycle.
 */
export function json<Inbound, Outbound = Inbound>(
  options: DecodeOptions = {},
): Codec<Inbound, Outbound> {
  const maxObjects = maxObjectsOf(options);
  return lineDelimited<Inbound, Outbound>({
    format,
    mayBegin: (byte) => byte === 0xef || BEGINNINGS.includes(String.fromCharCode(byte)),
    parse(text) {
      // An object takes two characters at least, so short lines need not be looked through.
      if (text.length > 2 * maxObjects) checkObjects(text, maxObjects);
      return JSON.parse(text);
    },
  });
}

/** What a line of JSON may begin with, besides a byte order mark, which is left out. */
const BEGINNINGS = ' \t\r{["-0123456789tfn';

/** Counts what begins an object, an array or the value of a property, outside of strings. */
function checkObjects(text: string, maxObjects: number): void {
  let objects = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        for (let code = 0; code !== 0x22 && at < text.length;) {
          code = text.charCodeAt(++at);
          if (code === 0x5c) at++; // a backslash, and what it escapes
        }
        break;
      case 0x3a: // :
      case 0x5b: // [
      case 0x7b: // {
        if (++objects > maxObjects) throw new TooManyObjects(maxObjects);
    }
  }
}

function format(message: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(message);
  } catch (cause) {
    throw new TypeError(`Cannot encode a message as JSON: ${reasonOf(cause)}`, { cause });
  }
  if (text !== undefined) return text;
  throw new TypeError(`Cannot encode a message as JSON: it has no form for ${typeof message}`);
}
