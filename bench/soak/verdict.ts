// Whether a heap grows, from samples that jump about.

/** A heap at a time. */
export interface Point {
  /** Seconds. */
  readonly at: number;
  /** Bytes, after a collection. */
  readonly heap: number;
}

/** What the samples say. */
export interface Verdict {
  /** Bytes a minute: the median of the slopes between all pairs of samples. */
  readonly slope: number;
  /** Bytes that this comes to over the time looked at. */
  readonly growth: number;
  /** Bytes beyond which that is called growing. */
  readonly allowed: number;
  readonly growing: boolean;
}

/** What a run may seem to grow by without growing. */
const NOISE_BYTES = 2 * 1024 * 1024;
const NOISE_SHARE = 0.1;

/**
 * Looks at the last half of the samples after `warmUp` seconds: before that, compilers and
 * caches may still fill up.
 */
export function verdict(samples: readonly Point[], warmUp: number): Verdict {
  const warm = samples.filter(({ at }) => at >= warmUp);
  const points = warm.slice(Math.floor(warm.length / 2));
  if (points.length < 3) throw new Error(`${warm.length} samples are too few for a verdict`);
  const slopes = points.flatMap((a, i) =>
    points.slice(i + 1).map((b) => (b.heap - a.heap) / (b.at - a.at))
  );
  const perSecond = median(slopes);
  const growth = perSecond * (points.at(-1)!.at - points[0]!.at);
  const allowed = Math.max(NOISE_BYTES, NOISE_SHARE * median(points.map(({ heap }) => heap)));
  return { slope: perSecond * 60, growth, allowed, growing: growth > allowed };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
