// What befalls a fleet of two servers that a pool calls two hundred times a second.

/** One way in which servers go away, and what is called meanwhile. Times are in milliseconds. */
export interface Scenario {
  readonly name: string;
  /** How long each call takes. */
  readonly ms: number;
  readonly idempotent: boolean;
  /** So many calls that take `longMs` are open when the first server is told to go. */
  readonly long: number;
  readonly longMs: number;
  /** Whether an endless stream is open on each connection, whose reader moves when told to. */
  readonly streams: "none" | "stay" | "move";
  /** How long a server may take to go. */
  readonly timeout: number;
  /** How many servers are told to go, one after the other has come back. */
  readonly restarts: number;
}

const USUAL = {
  ms: 20,
  idempotent: false,
  long: 0,
  longMs: 0,
  streams: "none",
  timeout: 20_000,
  restarts: 1,
} as const;

/** The scenarios; what lasts long in them lasts `longMs`. */
export function scenarios(longMs: number): Scenario[] {
  return [
    { ...USUAL, name: "calls of 20 ms" },
    { ...USUAL, name: "calls of 100 ms", ms: 100 },
    { ...USUAL, name: "calls of 100 ms, idempotent", ms: 100, idempotent: true },
    { ...USUAL, name: "long calls are open", long: 8, longMs },
    { ...USUAL, name: "endless streams", streams: "stay", timeout: longMs },
    { ...USUAL, name: "streams that move", streams: "move" },
    { ...USUAL, name: "three rolling restarts", restarts: 6 },
  ];
}
