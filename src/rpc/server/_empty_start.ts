import { ConnectionError } from "../../../mod.ts";

/**
 * With a varint for a length, the zeros that a big-endian u32 begins with are empty messages,
 * and what follows them may even be whole ones: the client would get answers that it cannot
 * read, and wait for more. No client begins with so many requests of one id and no content.
 */
const MOST = 2;

/**
 * Counts the requests of one byte that a connection begins with, of which there were so many
 * before; returns how many there are now. Throws if the other end speaks something else.
 */
export function checkEmpty(before: number): number {
  if (before < MOST) return before + 1;
  throw new ConnectionError(
    "invalid-message",
    "The connection began with three empty requests: the client's messages seem to begin with " +
      "a big-endian u32, not with a varint",
  );
}
