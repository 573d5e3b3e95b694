import { TransportError } from "../../errors.ts";

/** The events of a port. */
export interface PortEvents {
  /** The other end posted this. */
  onMessage(data: unknown): void;
  /** The port is closed or broken. May be called again. */
  onLost(error: TransportError): void;
}

type Listener = (event: unknown) => void;

/** Any kind of port; which members exist depends on the kind and the runtime. */
export interface AnyPort {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener?(type: string, listener: Listener): void;
  removeEventListener?(type: string, listener: Listener): void;
  /** In `node:worker_threads`, where listeners get the data instead of an event. */
  on?(type: string, listener: Listener): void;
  off?(type: string, listener: Listener): void;
  onmessage?: Listener | null;
  /** Only on a MessagePort. */
  start?(): void;
  close?(): void;
  /** Only on a worker. */
  terminate?(): void;
}

/** Listens to a port of any kind. */
export class PortLink {
  readonly #port: AnyPort;
  readonly #listeners: [type: string, listener: Listener][] = [];

  constructor(port: AnyPort, { onMessage, onLost }: PortEvents) {
    this.#port = port;
    const bare = !port.addEventListener && port.on;
    this.#listen("message", (event) => onMessage(bare ? event : (event as MessageEvent).data));
    this.#listen("messageerror", (event) => onLost(lost("what came could not be read", event)));
    // A worker's scope has events with these names too, but with other meanings.
    if (port.start || port.terminate) {
      this.#listen("close", () => onLost(lost("the other end is gone")));
    }
    if (port.terminate) {
      this.#listen("exit", () => onLost(lost("the worker has ended")));
      this.#listen("error", (event) => onLost(workerFailed(event)));
    }
    port.start?.();
  }

  /** Posts a message; the memory in `transfer` is detached. */
  post(message: unknown, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  /** Stops listening. A MessagePort is closed, since an open one may keep the program running. */
  release(): void {
    const port = this.#port;
    for (const [type, listener] of this.#listeners.splice(0)) {
      if (port.removeEventListener) port.removeEventListener(type, listener);
      else if (port.off) port.off(type, listener);
      else if (type === "message") port.onmessage = null;
    }
    if (port.start) port.close?.();
  }

  #listen(type: string, listener: Listener): void {
    const port = this.#port;
    this.#listeners.push([type, listener]);
    if (port.addEventListener) port.addEventListener(type, listener);
    else if (port.on) port.on(type, listener);
    else if (type === "message") port.onmessage = listener;
  }
}

function lost(why: string, cause?: unknown): TransportError {
  return new TransportError("reset", `The connection was reset: ${why}`, { cause });
}

/** The error for a worker that had an uncaught error, or could not be loaded. */
function workerFailed(event: unknown): TransportError {
  const { error = event, message } = event as Partial<ErrorEvent>;
  // It is handled here. Otherwise Deno would end the whole program.
  (event as Partial<Event>).preventDefault?.();
  return lost(`the worker failed: ${message ?? "for an unknown reason"}`, error);
}
