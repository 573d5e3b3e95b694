/** All who wait for one signal. */
interface Waits {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

/**
 * Who waits for which signal. It belongs to the signal and is gone with it: no program can
 * tell that others use this module too.
 */
const WAITS = new WeakMap<AbortSignal, Waits>();

/**
 * Calls back when the signal fires, and not if it has fired already. Returns a function that
 * ends the wait. A signal has one listener however many wait for it: Node warns of a leak
 * from the eleventh on, and calls that share a signal are none.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  // An entry of its own for each wait, even if two have the same callback.
  const wait = () => callback();
  const waits = WAITS.get(signal) ?? listen(signal);
  waits.callbacks.add(wait);
  return () => {
    if (!waits.callbacks.delete(wait) || waits.callbacks.size > 0) return;
    signal.removeEventListener("abort", waits.listener);
    WAITS.delete(signal);
  };
}

function listen(signal: AbortSignal): Waits {
  const callbacks = new Set<() => void>();
  const listener = () => {
    signal.removeEventListener("abort", listener);
    WAITS.delete(signal);
    for (const callback of callbacks) {
      // The callback before may have ended this wait.
      if (callbacks.delete(callback)) callback();
    }
  };
  const waits = { callbacks, listener };
  WAITS.set(signal, waits);
  signal.addEventListener("abort", listener);
  return waits;
}
