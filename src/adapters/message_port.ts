/**
 * Connections between threads: over a `MessagePort`, a `Worker`, or a worker's scope
 * (`self`, `parentPort`), on every runtime and in browsers.
 *
 * Bytes are copied once, into a buffer that is then transferred rather than cloned. A
 * `BroadcastChannel` also works, if only two ends use its name; it can only clone. Each end
 * grants the other a window of bytes to send, so a slow reader stops the writer.
 *
 * The port must carry nothing else: any other message on it breaks the connection. To share
 * a worker, send it one port of a `MessageChannel` and keep the other; for several
 * connections, use a channel each.
 *
 * **Lifetime.** A `MessagePort` is closed when both directions have ended. A worker, and
 * its scope, stay open and are just no longer listened to: whoever started the worker ends
 * it with `terminate()`, or lets it end on its own.
 *
 * **Failures.** A port that is closed, and a worker that exits, fails to load or has an
 * uncaught error, each break the connection with a {@linkcode TransportError} of code
 * `reset`. On Deno and in some browsers, a port does not notice that its other end was
 * closed directly rather than by the connection; an `idleTimeout`, with a `heartbeat` at
 * the other end, detects that.
 *
 * @example The program
 * ```ts ignore
 * import { json } from "@protosocket/protosocket/json";
 * import { portDuplex } from "@protosocket/protosocket/message-port";
 * import { RpcClient, rpcFields } from "@protosocket/protosocket/rpc";
 * import { Worker } from "node:worker_threads"; // or a browser's, with type: "module"
 *
 * type Message = { id?: number; code?: number; text?: string };
 * const message = rpcFields<Message>({ id: "id", code: "code" });
 * const messages = { request: message, response: message };
 *
 * const worker = new Worker(new URL("./worker.ts", import.meta.url));
 * {
 *   await using client = new RpcClient(portDuplex(worker), {
 *     codec: json<Message>(),
 *     messages,
 *   });
 *   console.log((await client.unary({ text: "world" })).text); // hello, world
 * }
 * worker.terminate();
 * ```
 *
 * @example worker.ts
 * ```ts ignore
 * import { Connection } from "@protosocket/protosocket";
 * import { json } from "@protosocket/protosocket/json";
 * import { portDuplex } from "@protosocket/protosocket/message-port";
 * import { rpcFields, rpcReactor } from "@protosocket/protosocket/rpc";
 * import { parentPort } from "node:worker_threads"; // in a browser: self
 *
 * type Message = { id?: number; code?: number; text?: string };
 * const message = rpcFields<Message>({ id: "id", code: "code" });
 * const messages = { request: message, response: message };
 *
 * new Connection(portDuplex(parentPort!), {
 *   codec: json<Message>(),
 *   reactor: rpcReactor(messages, ({ text }) => ({ text: `hello, ${text}` })),
 * });
 * ```
 *
 * @module
 */
import { integer, isObject, shown, wrong } from "../check.ts";
import type { Duplex } from "../duplex/duplex.ts";
import { MAX_WINDOW } from "./port/_frames.ts";
import { PortDuplex } from "./port/_duplex.ts";

/** The default of {@linkcode PortOptions.window}: 256 KiB. */
export const DEFAULT_PORT_WINDOW: number = 256 * 1024;

/** Options of {@linkcode portDuplex}. */
export interface PortOptions {
  /**
   * How many bytes the peer may send ahead of what has been read here. It is granted more
   * once half of them have been read. From 1 to 1,073,741,824.
   *
   * @default {262144}
   */
  readonly window?: number;
}

/**
 * What a duplex can be made from: a `MessagePort`, a `Worker` or a worker's scope, also those
 * of `node:worker_threads`, a `BroadcastChannel`, or anything else with `postMessage` that
 * delivers messages by `addEventListener`, `on` or `onmessage`.
 */
export interface PortLike {
  /** Posts a message to the other end, and transfers memory to it. */
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
}

/**
 * Makes a {@linkcode Duplex} from a port whose other end does the same. The ends may start
 * in any order: writes wait until the other end has started.
 *
 * The reason given to `writable.abort(reason)` appears in the message of the peer's error. A
 * worker's uncaught error breaks the connection and is the `cause`. Throws a
 * `RangeError` for a `window` out of range, and a `TypeError` for what is no port.
 *
 * @example Two ends in one thread
 * ```ts
 * import { portDuplex } from "@protosocket/protosocket/message-port";
 *
 * const { port1, port2 } = new MessageChannel();
 * const [a, b] = [portDuplex(port1), portDuplex(port2)];
 * const writer = a.writable.getWriter();
 * writer.write(new Uint8Array([1, 2]));
 * writer.close();
 * console.log((await Array.fromAsync(b.readable)).length); // 1
 * await b.writable.close();
 * ```
 */
export function portDuplex(port: PortLike, options: PortOptions = {}): Duplex {
  checkPort(port);
  const { window = DEFAULT_PORT_WINDOW } = options;
  return new PortDuplex(port, integer("window", window, 1, MAX_WINDOW));
}

function checkPort(port: unknown): void {
  const { postMessage, port1 } = isObject(port) ? port : {};
  if (typeof postMessage === "function") return;
  const what = isObject(port1) ? "a channel: pass one of its ports" : shown(port);
  throw wrong(`port must be a MessagePort or a Worker, not ${what}`);
}
