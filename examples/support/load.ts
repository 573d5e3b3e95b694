// Makes calls and measures how fast they are; for the load clients of the examples.
import { build, type Histogram } from "hdr-histogram-js";

/**
 * Makes calls as fast as responses arrive, with a fixed number in flight, for a number of
 * seconds. Returns the calls per second.
 */
export async function closedLoop(
  call: () => Promise<void>,
  { inFlight, seconds, quiet = false }: { inFlight: number; seconds: number; quiet?: boolean },
): Promise<number> {
  using report = new Report(quiet);
  const end = performance.now() + seconds * 1000;
  async function worker() {
    for (let now = performance.now(); now < end;) {
      await call();
      const then = performance.now();
      report.add(then - now);
      now = then;
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker));
  return report.rate;
}

/** Makes calls on a fixed schedule; latencies count from the scheduled time. */
export async function openLoop(
  call: () => Promise<void>,
  { rate, seconds }: { rate: number; seconds: number },
): Promise<void> {
  using report = new Report();
  const start = performance.now();
  const total = rate * seconds;
  const open = new Set<Promise<void>>();
  const failed = new Set<unknown>();
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, (performance.now() - start) / 1000 * rate);
    for (; sent < due; sent++) {
      const intended = start + sent / rate * 1000;
      const life = call().then(() => report.add(performance.now() - intended), (error) => {
        failed.add(error);
      });
      open.add(life);
      life.then(() => open.delete(life));
    }
    if (failed.size > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(open);
  for (const error of failed) throw error;
}

/** Prints a line each second, and a summary when disposed of, unless it is quiet. */
class Report {
  readonly #started = performance.now();
  #lastLine = this.#started;
  readonly #all = histogram();
  readonly #second = histogram();
  readonly #quiet: boolean;
  readonly #timer = setInterval(() => this.#line(), 1000);

  constructor(quiet = false) {
    this.#quiet = quiet;
  }

  /** Calls a second, so far. */
  get rate(): number {
    const calls = this.#all.totalCount + this.#second.totalCount;
    return calls / (performance.now() - this.#started) * 1000;
  }

  add(milliseconds: number): void {
    this.#second.recordValue(Math.max(1, Math.round(milliseconds * 1000)));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#all.add(this.#second);
    this.#print(`summary ${line(this.#all, performance.now() - this.#started)}`);
  }

  #line(): void {
    const now = performance.now();
    this.#print(line(this.#second, now - this.#lastLine));
    this.#lastLine = now;
    this.#all.add(this.#second);
    this.#second.reset();
  }

  #print(text: string): void {
    if (!this.#quiet) console.log(text);
  }
}

/** Microseconds, up to a minute, with three digits. */
function histogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60e6,
    numberOfSignificantValueDigits: 3,
  });
}

function line(latencies: Histogram, milliseconds: number): string {
  const rate = Math.round(latencies.totalCount / milliseconds * 1000).toLocaleString("en-US");
  const [p50, p99, p999] = [50, 99, 99.9].map((p) =>
    (latencies.getValueAtPercentile(p) / 1000).toFixed(3)
  );
  return `${rate} rpc/s  p50 ${p50}  p99 ${p99}  p99.9 ${p999} ms`;
}
