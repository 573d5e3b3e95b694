import type { CountedSignal } from "../../support/counted_signal.ts";
import { MAX_BYTES, MAX_ENTRIES, type TypedPlan } from "./plan.ts";

/** What became of a typed call, as both ends saw it. */
export class TypedRecord {
  readonly token: number;
  readonly plan: TypedPlan;
  readonly began: number;
  /** When it was made, with a connection or a pool to make it. */
  made: number = Infinity;
  settled: number | undefined;
  error: unknown;
  /** Whether its caller left the stream, or its stream has come to its end in order. */
  left = false;
  complete = false;
  /** Responses that its caller has got, and the last of them. */
  read = 0;
  answer: unknown;
  /** Values of the key "token" beside its answer: its metadata and its trailers. */
  readonly beside: (string | undefined)[] = [];
  signal: CountedSignal | undefined;
  reason: Error | undefined;
  /** How many handlers have begun, and how many go on. */
  begun = 0;
  running = 0;
  /** Whether its handler has left its requests. */
  leaves = false;

  constructor(token: number, plan: TypedPlan, began: number) {
    this.token = token;
    this.plan = plan;
    this.began = began;
  }

  get name(): string {
    return `typed call ${this.token}`;
  }

  /** Its metadata: the first entry names it. */
  get metadata(): Record<string, string | string[]> {
    const { entries, bytes } = this.plan;
    const own = String(this.token);
    const more = Array.from({ length: entries }, (_, at) => `${at}`);
    const metadata: Record<string, string | string[]> = { call: own, x: more };
    if (bytes === undefined) return metadata;
    const so = "call".length + own.length + more.reduce((sum, { length }) => sum + 1 + length, 0);
    return { ...metadata, pad: "p".repeat(bytes - so - "pad".length) };
  }

  /** Whether the server refuses it for that. */
  get hasTooMuch(): boolean {
    const { entries, bytes } = this.plan;
    return 1 + entries + (bytes === undefined ? 0 : 1) > MAX_ENTRIES || (bytes ?? 0) > MAX_BYTES;
  }
}
