/**
 * Lines of text: messages are strings, each terminated by a line feed. For protocols that
 * people type and programs log; every language can read them.
 *
 * @example
 * ```ts
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import { lines } from "@protosocket/protosocket/lines";
 *
 * const [here, there] = duplexPair();
 * await using _shouting = new Connection(there, {
 *   codec: lines(),
 *   reactor: (sender) => ({ onInboundMessage: (line) => sender.send(line.toUpperCase()) }),
 * });
 * const connection = new Connection(here, {
 *   codec: lines(),
 *   reactor: () => ({
 *     onInboundMessage(line) {
 *       console.log(line); // HELLO
 *       return "disconnect";
 *     },
 *   }),
 * });
 * await connection.sender.send("hello");
 * await connection.closed;
 * ```
 *
 * @module
 */
import type { Codec } from "../codec.ts";
import { lineDelimited } from "./_line_delimited.ts";

/**
 * Makes a codec whose messages are lines of UTF-8 text, without their terminators.
 *
 * An inbound line ends with `"\n"` or `"\r\n"`; an empty line is an empty string. Bytes that
 * are not UTF-8 end the connection with `invalid-message`; a line longer than
 * `maxBufferLength` bytes, including its terminator, with `message-too-large`; and an
 * unterminated last line with `truncated`.
 *
 * An outbound line ends with `"\n"`. Encoding throws a `TypeError` for a message that would
 * not be read back unchanged: one that contains `"\n"` or ends with `"\r"`. A lone surrogate
 * becomes U+FFFD, as usual in UTF-8.
 */
export function lines(): Codec<string> {
  return lineDelimited<string, string>({ format: checkLine, parse: (text) => text });
}

function checkLine(line: string): string {
  if (line.includes("\n")) {
    throw new TypeError("Cannot encode a line: there is a line feed in it, which would end it");
  }
  if (line.endsWith("\r")) {
    throw new TypeError(
      "Cannot encode a line: it ends with a carriage return, which belongs to the line's end",
    );
  }
  return line;
}
