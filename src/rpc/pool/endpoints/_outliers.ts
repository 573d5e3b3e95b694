import type { OutlierSettings } from "../_settings.ts";

/** What is known of how calls to an endpoint end. */
export interface Health {
  /** Failures since the last success. */
  inARow: number;
  /** In this interval. */
  succeeded: number;
  failed: number;
  /** How often it has been ejected, less the intervals without. */
  ejections: number;
  /** Until when it is ejected. */
  ejectedUntil: number;
  /** When a connection to it was last lost. */
  lostAt: number;
}

/** Something whose health is watched. */
export interface Watched {
  readonly health: Health;
}

/** The health of what has not been called yet. */
export function untried(): Health {
  return {
    inARow: 0,
    succeeded: 0,
    failed: 0,
    ejections: 0,
    ejectedUntil: -Infinity,
    lostAt: -Infinity,
  };
}

/** Takes endpoints out whose calls fail while those to others succeed, never too many at once. */
export class Outliers<Place extends Watched> {
  readonly #settings: OutlierSettings | undefined;
  /** Called when one is taken out, for so many milliseconds. */
  readonly #onEjected: (place: Place, ms: number) => void;
  #intervalEnds = -Infinity;

  constructor(
    settings: OutlierSettings | undefined,
    onEjected: (place: Place, ms: number) => void,
  ) {
    this.#settings = settings;
    this.#onEjected = onEjected;
  }

  /** A call was answered. */
  succeeded({ health }: Watched): void {
    health.inARow = 0;
    health.succeeded++;
  }

  /** A call was refused or cancelled: that may be the caller's fault, so it counts in the share only. */
  refused({ health }: Watched): void {
    health.failed++;
  }

  /**
   * A connection was lost that was there `since` then. Those that a server's death takes
   * together are one failure: it may be back in a moment.
   */
  lost(place: Place, since: number, all: readonly Place[], now: number): void {
    const { health } = place;
    if (since > health.lostAt) this.failed(place, all, now);
    health.lostAt = now;
  }

  /** A call had no answer in time, or a connection was lost. */
  failed(place: Place, all: readonly Place[], now: number): void {
    const { health } = place;
    health.failed++;
    // What was in flight when it was taken out must not count once it is back.
    if (now < health.ejectedUntil) return;
    health.inARow++;
    const settings = this.#settings;
    if (!settings || settings.consecutiveFailures === 0) return;
    if (health.inARow >= settings.consecutiveFailures) this.#eject(place, all, settings, now);
  }

  /** Looks at the shares of failures, once an interval. */
  look(all: readonly Place[], now: number): void {
    const settings = this.#settings;
    if (!settings || now < this.#intervalEnds) return;
    this.#intervalEnds = now + settings.interval;
    if (settings.failurePercentage > 0) this.#compare(all, settings, now);
    for (const { health } of all) {
      if (now >= health.ejectedUntil && health.ejections > 0) health.ejections--;
      health.succeeded = health.failed = 0;
    }
  }

  #compare(all: readonly Place[], settings: OutlierSettings, now: number): void {
    let failed = 0;
    let calls = 0;
    for (const { health } of all) {
      failed += health.failed;
      calls += health.failed + health.succeeded;
    }
    for (const place of all) {
      const { health } = place;
      const own = health.failed + health.succeeded;
      if (own < settings.requestVolume || own === calls) continue;
      const percentage = 100 * health.failed / own;
      const others = 100 * (failed - health.failed) / (calls - own);
      // What fails everywhere is not this endpoint's fault.
      if (percentage < settings.failurePercentage || percentage < 2 * others) continue;
      this.#eject(place, all, settings, now);
    }
  }

  #eject(place: Place, all: readonly Place[], settings: OutlierSettings, now: number): void {
    const { health } = place;
    if (now < health.ejectedUntil) return;
    let out = 0;
    for (const { health } of all) if (now < health.ejectedUntil) out++;
    const most = Math.floor(all.length * settings.maxEjectionPercent / 100);
    // One may always go, but for the last.
    if (out >= Math.min(Math.max(1, most), all.length - 1)) return;
    health.inARow = 0;
    const { baseEjectionTime, maxEjectionTime } = settings;
    const ms = Math.min(baseEjectionTime * ++health.ejections, maxEjectionTime);
    health.ejectedUntil = now + ms;
    this.#onEjected(place, ms);
  }
}
