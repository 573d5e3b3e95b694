// Payloads of bytes.

let last: Uint8Array | undefined;

/** As many bytes as the text has letters; the same array for all calls of a length. */
export function payloadOf({ length }: string): Uint8Array {
  if (last?.length !== length) last = new Uint8Array(length).fill(120);
  return last!;
}

/** Whether an echo is as long as what was sent, and begins and ends as that does. */
export function sameEnds(echo: Uint8Array, sent: Uint8Array): boolean {
  const { length } = sent;
  return echo.length === length && echo[0] === sent[0] && echo[length - 1] === sent[length - 1];
}
