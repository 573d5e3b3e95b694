/** What is told when a signal fires. */
export interface Aborted {
  onAbort(reason: unknown): void;
}

interface Watch {
  readonly items: Set<Aborted>;
  readonly listener: () => void;
}

/**
 * Has one listener on each signal, however many items wait for it: a runtime warns of a leak
 * when there are more than ten.
 */
export class SignalWatch {
  readonly #watches = new Map<AbortSignal, Watch>();

  /** Tells `item` when the signal fires, until it is removed. */
  add(signal: AbortSignal, item: Aborted): void {
    let watch = this.#watches.get(signal);
    if (watch === undefined) {
      const items = new Set<Aborted>();
      watch = { items, listener: () => this.#tell(signal, items) };
      this.#watches.set(signal, watch);
      signal.addEventListener("abort", watch.listener);
    }
    watch.items.add(item);
  }

  /** Tells `item` no more. May be called again. */
  remove(signal: AbortSignal, item: Aborted): void {
    const watch = this.#watches.get(signal);
    if (!watch?.items.delete(item) || watch.items.size > 0) return;
    this.#watches.delete(signal);
    signal.removeEventListener("abort", watch.listener);
  }

  #tell(signal: AbortSignal, items: Set<Aborted>): void {
    // Each removes itself, and perhaps others.
    for (const item of items) item.onAbort(signal.reason);
  }
}
