import { TransportError } from "../errors.ts";

/** What happens at a port. */
export interface PortEvents {
  /** The other end posted this. */
  onMessage(data: unknown): void;
  /** The port carries nothing any more. May be called again. */
  onLost(error: TransportError): void;
}

type Listener = (event: unknown) => void;

/** What a port has of this differs from kind to kind, and from runtime to runtime. */
export interface AnyPort {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener?(type: string, listener: Listener): void;
  removeEventListener?(type: string, listener: Listener): void;
  /** Of workers of `node:worker_threads`: their listeners get no event but what is in it. */
  on?(type: string, listener: Listener): void;
  off?(type: string, listener: Listener): void;
  onmessage?: Listener | null;
  /** Of a MessagePort only. */
  start?(): void;
  close?(): void;
  /** Of a worker only. */
  terminate?(): void;
}

/** One port of whatever kind, listened to. */
export class PortLink {
  readonly #port: AnyPort;
  readonly #listeners: [type: string, listener: Listener][] = [];

  constructor(port: AnyPort, { onMessage, onLost }: PortEvents) {
    this.#port = port;
    const bare = !port.addEventListener && port.on;
    this.#listen("message", (event) => onMessage(bare ? event : (event as MessageEvent).data));
    this.#listen("messageerror", (event) => onLost(lost("what came could not be read", event)));
    // The scope of a worker has events of these names, too, with another meaning.
    if (port.start || port.terminate) {
      this.#listen("close", () => onLost(lost("the other end is gone")));
    }
    if (port.terminate) {
      this.#listen("exit", () => onLost(lost("the worker has ended")));
      this.#listen("error", (event) => onLost(workerFailed(event)));
    }
    port.start?.();
  }

  /** Posts a message; the memory of `transfer` is gone then. */
  post(message: unknown, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  /** Listens no more. A MessagePort is closed, as an open one may keep a program from its end. */
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

/** A worker that threw where nothing catches, or could not be loaded. */
function workerFailed(event: unknown): TransportError {
  const { error = event, message } = event as Partial<ErrorEvent>;
  // It is heard of here. Deno would end the whole program.
  (event as Partial<Event>).preventDefault?.();
  return lost(`the worker failed: ${message ?? "for an unknown reason"}`, error);
}
