import { TransportError, type TransportErrorCode } from "../../mod.ts";

/** What went wrong: a transport error's code, or that an argument or option was wrong. */
export type Failure = TransportErrorCode | "wrong-option";

/** Reads it off an error; anything else is thrown again. */
export function codeOf(error: unknown): Failure {
  if (error instanceof TransportError) return error.code;
  if (error instanceof RangeError || error instanceof TypeError) return "wrong-option";
  throw error;
}
