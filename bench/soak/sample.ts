// What both ends of the soak tell, once in a while, on a line of their own.
import process from "node:process";

/** A process at one moment. */
export interface Sample {
  /** Seconds since it began. */
  readonly at: number;
  /** How much has been done so far, by name. */
  readonly counts: Readonly<Record<string, number>>;
  /** Bytes of JavaScript's heap, after a collection. */
  readonly heap: number;
  /** Bytes that the system has given to the process. */
  readonly rss: number;
}

const globals = globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } };

/** Collects garbage and prints a sample, every so many seconds. Returns what ends that. */
export function sampling(seconds: number, counts: () => Record<string, number>): () => void {
  const began = performance.now();
  const collect = globals.Bun ? () => globals.Bun!.gc(true) : globals.gc;
  if (!collect) throw new Error("The garbage collector must be exposed: --expose-gc");
  const timer = setInterval(() => {
    collect();
    const { heapUsed: heap, rss } = process.memoryUsage();
    const at = (performance.now() - began) / 1000;
    const sample: Sample = { at, counts: counts(), heap, rss };
    console.log(`sample ${JSON.stringify(sample)}`);
  }, seconds * 1000);
  return () => clearInterval(timer);
}
