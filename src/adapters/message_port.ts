/**
 * Connections between threads: over a `MessagePort`, a `Worker`, or the scope of a worker
 * (`self`, `parentPort`), on every runtime and in browsers.
 *
 * Bytes are copied once, into memory of their own, which is transferred and not cloned; a
 * `BroadcastChannel`, whose name two ends alone have, can only clone it.
 * Each end grants the other how much it may send, so a slow reader stops the writer.
 *
 * The port is for this alone: whatever else comes on it breaks the connection. To share a
 * worker, give it one port of a `MessageChannel` and keep the other. Many connections to a
 * worker are as many channels.
 *
 * **What keeps a program running.** A `MessagePort` is closed when both directions have
 * ended. A worker, and its scope, are only listened to no more: whoever started the worker
 * ends it with `terminate()`, or lets it end itself.
 *
 * **What is heard of.** A port that is closed, a worker that ends, cannot be loaded or
 * throws where nothing catches: each is a {@linkcode TransportError} of code `reset`. Deno
 * and some browsers do not tell when a port is closed at the other end other than by its
 * connection; a `heartbeat` with an `idleTimeout` finds that out.
 *
 * @example The program
 * ```ts ignore
 * import { json } from "@protosocket/protosocket/json";
 * import { portDuplex } from "@protosocket/protosocket/message-port";
 * import { RpcClient } from "@protosocket/protosocket/rpc";
 * import { type Plain, plain, plainMessage } from "../../examples/support/plain_messages.ts";
 * import { Worker } from "node:worker_threads"; // or a browser's, with type: "module"
 *
 * const worker = new Worker(new URL("./worker.ts", import.meta.url));
 * {
 *   await using client = new RpcClient(portDuplex(worker), {
 *     codec: json<Plain<string>>(),
 *     messages: { request: plainMessage<string>(), response: plainMessage<string>() },
 *   });
 *   console.log((await client.unary(plain("world"))).body); // hello, world
 * }
 * worker.terminate();
 * ```
 *
 * @example worker.ts
 * ```ts ignore
 * import { Connection } from "@protosocket/protosocket";
 * import { json } from "@protosocket/protosocket/json";
 * import { portDuplex } from "@protosocket/protosocket/message-port";
 * import { rpcReactor } from "@protosocket/protosocket/rpc";
 * import { type Plain, plain, plainMessage } from "../../examples/support/plain_messages.ts";
 * import { parentPort } from "node:worker_threads"; // in a browser: self
 *
 * const messages = { request: plainMessage<string>(), response: plainMessage<string>() };
 * new Connection(portDuplex(parentPort!), {
 *   codec: json<Plain<string>>(),
 *   reactor: rpcReactor(messages, ({ body }) => plain(`hello, ${body}`)),
 * });
 * ```
 *
 * @module
 */
import type { Duplex } from "../duplex.ts";
import { TransportError } from "../errors.ts";
import { MAX_WINDOW } from "./_port_frames.ts";
import { PortDuplex } from "./_port_duplex.ts";

/** The default of {@linkcode PortOptions.window}: 256 KiB. */
export const DEFAULT_PORT_WINDOW: number = 256 * 1024;

/** Options of {@linkcode portDuplex}. */
export interface PortOptions {
  /**
   * How many bytes the other end may have sent that nobody here has read yet; it is
   * granted more when half of them are free. From 1 to 1,073,741,824.
   *
   * @default {262144}
   */
  readonly window?: number;
}

/**
 * What a duplex can be made of: a `MessagePort`, a `Worker`, the scope of a worker, those
 * of `node:worker_threads`, a `BroadcastChannel`, or anything that posts and tells of messages as they do, by
 * `addEventListener`, `on` or `onmessage`.
 */
export interface PortLike {
  /** Posts a message to the other end, and hands memory over to it. */
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
}

/**
 * Makes a {@linkcode Duplex} of a port whose other end does the same. The ends may start in
 * any order: until the other end has started, a write waits.
 *
 * What `writable.abort(reason)` is given, the other end finds in the message of its error.
 * A worker that throws where nothing catches breaks the connection; its error is the
 * `cause`. Throws a {@linkcode TransportError} of code `invalid-option` for a bad window.
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
  const { window = DEFAULT_PORT_WINDOW } = options;
  if (!Number.isInteger(window) || window < 1 || window > MAX_WINDOW) {
    throw new TransportError(
      "invalid-option",
      `window must be an integer from 1 to ${MAX_WINDOW}, not ${window}`,
    );
  }
  return new PortDuplex(port, window);
}
