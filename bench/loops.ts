// Makes calls for a while and takes their times.
import { build, type Histogram } from "hdr-histogram-js";
import type { Caller } from "./caller.ts";
import type { Result, Work } from "./work.ts";

/** Keeps so many calls in flight, each lane on one connection. */
export function closedLoop(callers: readonly Caller[], work: Work): Promise<Result> {
  const latencies = histogram();
  const text = textOf(work);
  const started = performance.now();
  const end = started + work.seconds * 1000;
  let number = 0;
  let open = work.inFlight;
  return new Promise((resolve, reject) => {
    function lane(caller: Caller): void {
      let sent = performance.now();
      function done(error?: unknown): void {
        if (error !== undefined) return reject(error);
        const now = performance.now();
        record(latencies, now - sent);
        if (now >= end) return --open === 0 ? resolve(result(work, latencies, started)) : undefined;
        sent = now;
        call(caller, work, text, number++, done);
      }
      call(caller, work, text, number++, done);
    }
    for (let i = 0; i < work.inFlight; i++) lane(callers[i % callers.length]!);
  });
}

/** Calls on a schedule that is looked at each millisecond, however long answers take. */
export function openLoop(callers: readonly Caller[], work: Work): Promise<Result> {
  const latencies = histogram();
  const text = textOf(work);
  const started = performance.now();
  const total = work.rate! * work.seconds;
  let sent = 0;
  return new Promise((resolve, reject) => {
    function send(number: number): void {
      const intended = started + number / work.rate! * 1000;
      call(callers[number % callers.length]!, work, text, number, (error) => {
        if (error !== undefined) return reject(error);
        record(latencies, performance.now() - intended);
        if (latencies.totalCount === total) resolve(result(work, latencies, started));
      });
    }
    function turn(): void {
      const due = Math.min(total, (performance.now() - started) / 1000 * work.rate!);
      while (sent < due) send(sent++);
      if (sent < total) setTimeout(turn, 1);
    }
    turn();
  });
}

function call(
  caller: Caller,
  { kind, bytes, items = 0 }: Work,
  text: string | undefined,
  number: number,
  done: (error?: unknown) => void,
): void {
  if (kind === "stream") caller.stream!(items, bytes, done);
  else if (kind === "bidi") caller.chat!(items, bytes, done);
  else caller.echo(text ?? String(number), number, done);
}

/** The same text for all calls, unless it is a call's number. */
function textOf({ bytes }: Work): string | undefined {
  return bytes > 0 ? "x".repeat(bytes) : undefined;
}

/** Microseconds, up to a minute, with three digits. */
export function histogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60e6,
    numberOfSignificantValueDigits: 3,
  });
}

export function record(latencies: Histogram, milliseconds: number): void {
  latencies.recordValue(Math.min(60e6, Math.max(1, Math.round(milliseconds * 1000))));
}

export function result(
  { kind, items = 0, connections }: Work,
  latencies: Histogram,
  started: number,
): Result {
  const each = kind === "stream" || kind === "bidi" ? items : kind === "fan-out" ? connections : 1;
  const at = (percentile: number) => latencies.getValueAtPercentile(percentile);
  return {
    count: latencies.totalCount * each,
    seconds: (performance.now() - started) / 1000,
    latency: { p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: latencies.maxValue },
  };
}
