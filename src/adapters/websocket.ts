/**
 * WebSockets, in browsers and wherever else there is a `WebSocket`: binary messages carry
 * bytes, and their boundaries mean nothing.
 *
 * A WebSocket can only close as a whole. Two ends that use this library agree on the
 * subprotocol `protosocket`, in which an empty message ends one direction, so that responses
 * can still follow. With other peers (`halfClose: false`), ending one direction closes the
 * WebSocket with code 1000, and whatever the peer still sends is lost.
 *
 * Close codes 1000, 1001 and 1005 (none) are an orderly end. Any other is an error of code
 * `reset`, whose cause has the `code` and `reason`. An abort sends code 4000.
 *
 * Only `WebSocketStream` ({@linkcode connectStream}: Chromium, and Deno with `--unstable-net`) and
 * `ws` have backpressure towards the peer. With others, unread data is buffered up to
 * `maxBufferedBytes`; more ends the connection.
 *
 * @example
 * ```ts
 * import { Connection, serve } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 * import { connect } from "@protosocket/protosocket/websocket";
 * import { listen } from "@protosocket/protosocket/websocket-deno"; // or -bun, -node
 *
 * await using server = serve(await listen({ port: 0, pathname: "/echo" }), () => ({
 *   codec: lengthDelimited(),
 *   reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
 * }));
 * const { port } = server.address as { port: number };
 *
 * await using connection = new Connection(await connect(`ws://127.0.0.1:${port}/echo`), {
 *   codec: lengthDelimited(),
 *   reactor: () => ({
 *     onInboundMessage(message) {
 *       console.log(message);
 *       return "disconnect";
 *     },
 *   }),
 * });
 * await connection.sender.send(new Uint8Array([1, 2, 3]));
 * await connection.closed;
 * ```
 *
 * @module
 */
import { checkBoolean, checkSignal, shown, wrong } from "../check.ts";
import type { SocketAddress, SocketDuplex } from "../duplex/duplex.ts";
import { TransportError } from "../errors.ts";
import { onAbort } from "../waits/on_abort.ts";
import { connectAborted } from "./base/_options.ts";
import { systemError } from "./base/_system_errors.ts";
import { EventTransport, type WebSocketLike } from "./websocket/_events.ts";
import { HALF_CLOSE_PROTOCOL, limitsOf, type WebSocketOptions } from "./websocket/_settings.ts";
import { StreamTransport, type WebSocketStreamClass } from "./websocket/_stream.ts";

export type { WebSocketLike } from "./websocket/_events.ts";
export {
  DEFAULT_MAX_BUFFERED_BYTES,
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_MAX_UNSENT_BYTES,
  type WebSocketOptions,
} from "./websocket/_settings.ts";

/** Options of {@linkcode connect}. */
export interface ConnectOptions extends WebSocketOptions {
  /**
   * Offers the subprotocol `protosocket`, so that each direction ends on its own. Set it to
   * `false` for servers that do not support it: a browser refuses to connect to them
   * otherwise.
   *
   * @default {true}
   */
  readonly halfClose?: boolean;
  /**
   * Further subprotocols to offer.
   *
   * @default {[]}
   */
  readonly protocols?: readonly string[];
  /**
   * The class to use, such as the one from `ws` on Node before 22.
   *
   * @default {undefined} the global `WebSocket`
   */
  readonly webSocket?: new (url: string, protocols: string[]) => WebSocketLike;
  /** Aborts connecting, with a {@linkcode TransportError} of code `aborted`. No effect afterwards. */
  readonly signal?: AbortSignal;
}

/** Options of {@linkcode connectStream}: those of {@linkcode connect}, without a class. */
export type ConnectStreamOptions = Omit<ConnectOptions, "webSocket">;

/** Options of {@linkcode acceptWebSocket}. */
export interface AcceptOptions extends WebSocketOptions {
  /**
   * Whether the peer also uses empty messages to end one direction.
   *
   * @default {socket.protocol === "protosocket"}
   */
  readonly halfClose?: boolean;
  /** The peer's address, if it is known; it appears in errors. */
  readonly remoteAddress?: SocketAddress;
}

/**
 * Connects to a `ws:` or `wss:` URL, which may be relative in a page. Rejects with a
 * {@linkcode TransportError}; its code is `other` in browsers, which do not report why.
 */
export async function connect(
  url: string | URL,
  options: ConnectOptions = {},
): Promise<SocketDuplex> {
  const asked = ask(url, options);
  const { WebSocket } = globalThis as { WebSocket?: ConnectOptions["webSocket"] };
  const { webSocket = WebSocket } = options;
  if (webSocket === undefined) {
    const message = "There is no WebSocket here: give one as `webSocket`";
    throw new TransportError("unsupported", message);
  }
  if (typeof webSocket !== "function") {
    throw wrong(`webSocket must be a class, not ${webSocket}`);
  }
  return await connectSocket(webSocket, asked, options);
}

/**
 * Connects as {@linkcode connect} does, by the global `WebSocketStream`, which has backpressure.
 * Where there is none, it rejects with the code `unsupported`. If such a connection breaks while a
 * write waits, Chromium 156 crashes the whole page.
 */
export async function connectStream(
  url: string | URL,
  options: ConnectStreamOptions = {},
): Promise<SocketDuplex> {
  const { target, protocols } = ask(url, options);
  const { WebSocketStream } = globalThis as { WebSocketStream?: WebSocketStreamClass };
  if (WebSocketStream === undefined) {
    throw new TransportError("unsupported", "There is no WebSocketStream here");
  }
  const { signal, ...use } = options;
  const socket = opening(
    target,
    () => new WebSocketStream(target, { protocols, ...(signal && { signal }) }),
  );
  socket.closed.catch(() => {});
  try {
    const opened = await socket.opened;
    const halfClose = opened.protocol === HALF_CLOSE_PROTOCOL;
    return new StreamTransport(socket, opened, { ...use, halfClose }).duplex;
  } catch (error) {
    throw signal?.aborted ? connectAborted(signal) : cannotConnect(target, error);
  }
}

/**
 * Makes a duplex from a WebSocket that is open or opening: one that a server has upgraded,
 * one end of a `WebSocketPair` (which is accepted), or one of `ws`. Call it at once, before
 * the WebSocket has dispatched any message.
 *
 * Checking the `Origin` of the request is up to the caller.
 */
export function acceptWebSocket(socket: WebSocketLike, options: AcceptOptions = {}): SocketDuplex {
  const { halfClose = socket.protocol === HALF_CLOSE_PROTOCOL } = options;
  limitsOf(options);
  checkBoolean("halfClose", halfClose);
  socket.accept?.();
  return new EventTransport(socket, { ...options, halfClose }).duplex;
}

/** What to ask a server for. */
interface Asked {
  readonly target: string;
  readonly protocols: string[];
}

/** Checks what both ways of connecting are given. */
function ask(url: string | URL, options: ConnectStreamOptions): Asked {
  const target = targetOf(url);
  limitsOf(options);
  const { halfClose = true, protocols = [], signal } = options;
  checkBoolean("halfClose", halfClose);
  checkSignal(signal);
  if (!Array.isArray(protocols)) throw wrong(`protocols must be an array, not ${protocols}`);
  if (signal?.aborted) throw connectAborted(signal);
  return { target, protocols: halfClose ? [HALF_CLOSE_PROTOCOL, ...protocols] : [...protocols] };
}

function targetOf(url: string | URL): string {
  const { location } = globalThis as { location?: { href: string } };
  let target: URL;
  try {
    target = new URL(url, location?.href);
  } catch (cause) {
    throw wrong(`The URL of a WebSocket cannot be read: ${shown(url)}`, cause);
  }
  // A relative URL has the scheme of the page.
  if (target.protocol === "http:") target.protocol = "ws:";
  if (target.protocol === "https:") target.protocol = "wss:";
  if (target.protocol === "ws:" || target.protocol === "wss:") return target.href;
  throw wrong(`The URL of a WebSocket begins with ws: or wss:, not ${target.protocol}`);
}

async function connectSocket(
  Socket: NonNullable<ConnectOptions["webSocket"]>,
  { target: url, protocols }: Asked,
  { signal, ...options }: ConnectOptions,
): Promise<SocketDuplex> {
  const socket = opening(url, () => new Socket(url, protocols));
  return await new Promise<SocketDuplex>((resolve, reject) => {
    let cause: unknown;
    const settle = signal
      ? onAbort(signal, () => {
        reject(connectAborted(signal));
        socket.close();
      })
      : () => {};
    socket.addEventListener("open", () => {
      settle();
      const halfClose = socket.protocol === HALF_CLOSE_PROTOCOL;
      // Synchronously, since a message may follow at once.
      resolve(new EventTransport(socket, { ...options, halfClose }).duplex);
    });
    socket.addEventListener("error", (event: { error?: unknown; message?: string }) => {
      cause = event.error ?? (event.message ? new Error(event.message) : event);
    });
    socket.addEventListener("close", (event: unknown) => {
      settle();
      reject(cannotConnect(url, cause ?? event));
    });
  });
}

/** Maps what the constructor throws, which is about the URL or the subprotocols. */
function opening<Socket>(url: string, open: () => Socket): Socket {
  try {
    return open();
  } catch (cause) {
    throw wrong(`Cannot connect to ${url}: ${(cause as Error).message}`, cause);
  }
}

function cannotConnect(url: string, cause: unknown): TransportError {
  const told = cause instanceof Error && cause.message;
  return told
    ? systemError(`Cannot connect to ${url}`, cause)
    : new TransportError("other", `Cannot connect to ${url}: nothing tells why`, { cause });
}
