/** A signal, with what fires it, and the listeners that it has. */
export interface CountedSignal {
  readonly controller: AbortController;
  readonly signal: AbortSignal;
  readonly listeners: ReadonlySet<unknown>;
}

/** Makes a {@linkcode CountedSignal}. */
export function countedSignal(): CountedSignal {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (type: string, listener: EventListener, ...rest: unknown[]) => {
    listeners.add(listener);
    if ((rest[0] as { once?: boolean } | undefined)?.once) {
      addEventListener.call(signal, type, () => listeners.delete(listener), { once: true });
    }
    addEventListener.call(signal, type, listener, ...rest as []);
  };
  signal.removeEventListener = (type: string, listener: EventListener, ...rest: unknown[]) => {
    listeners.delete(listener);
    removeEventListener.call(signal, type, listener, ...rest as []);
  };
  return { controller, signal, listeners };
}
