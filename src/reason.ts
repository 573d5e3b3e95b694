/** The longest reason, in characters: a line in a log, whatever the peer sent. */
const LONGEST = 300;
/** How much of its end is kept, where it says what was wrong. */
const TAIL = 100;

/** Everything that would begin another line, or that a terminal would obey. */
// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/**
 * What an error says, in one line of at most 300 characters. Parts of it may come from the
 * peer, or from code of the user, which may throw anything.
 */
export function reasonOf(cause: unknown): string {
  let text: string;
  try {
    text = String(cause instanceof Error ? cause.message || cause.name : cause);
  } catch {
    return "something that is not an error was thrown";
  }
  // Shortened first, so that a long text is not searched for nothing.
  return shorten(text, LONGEST, TAIL).replace(CONTROLS, " ");
}

/** Leaves out the middle of a long text. */
export function shorten(text: string, longest: number, tail: number): string {
  if (text.length <= longest) return text;
  return `${text.slice(0, longest - tail - 1)}…${text.slice(text.length - tail)}`;
}

/** A sentence and, in the same line, why, if there is a cause. */
export function because(sentence: string, cause: unknown): string {
  return cause === undefined ? sentence : `${sentence}: ${reasonOf(cause)}`;
}
