import type { SocketDuplex } from "../duplex.ts";
import { pairFor, type UpgradeOptions } from "./_cloudflare_pair.ts";
import { Rest } from "./_cloudflare_rest.ts";
import { EventTransport, type WebSocketLike } from "./_websocket_events.ts";

/** A WebSocket that a Durable Object holds while it sleeps. */
export interface HibernatingWebSocket extends WebSocketLike {
  /** Keeps a value with the socket, not with the object. */
  serializeAttachment(value: unknown): void;
  /** Gives it back. */
  deserializeAttachment(): unknown;
}

/** What is used of the state of a Durable Object. */
export interface HibernatingState {
  /** Takes a WebSocket whose events wake the object. */
  // deno-lint-ignore no-explicit-any
  acceptWebSocket(socket: any): void;
}

/**
 * Makes a connection of a WebSocket: of a new one, and again of one through which bytes
 * come after the object has slept. `rest` is told what must not be lost.
 */
export type OnHibernatingSocket = (duplex: SocketDuplex, rest: Rest) => void;

class HibernatingTransport extends EventTransport<HibernatingWebSocket> {
  /** Whether the connection holds nothing any more. */
  get over(): boolean {
    return this.gone;
  }
}

interface Session {
  readonly transport: HibernatingTransport;
  readonly rest: Rest;
}

/** What is kept with the socket. */
interface Attachment {
  readonly protosocket: { readonly halfClose: boolean };
}

/**
 * The WebSockets of a Durable Object that may sleep while they are quiet.
 *
 * A sleeping object has lost all its memory, and its WebSockets stay open. So a connection
 * lives from one sleep to the next: when bytes come again, a new duplex is made of the same
 * WebSocket, and `onSocket` makes a new connection of it. **What survives** is the
 * WebSocket, whether it knows an end of one direction, and what the object has stored.
 * **What does not** is the connection, its reactor with all that is in it, and what the
 * object's fields held: the old connection is not told that it ended.
 *
 * So that no bytes are lost, the object is kept awake while part of a message has come, an
 * rpc is being answered, or something given to `rest.until` is under way. That is why a
 * connection gets the codec and the observer of its `rest`. Timers keep an object awake as
 * well: a connection that is ending has one; a `heartbeat` or an `idleTimeout` never lets
 * the object sleep.
 *
 * @example
 * ```ts ignore
 * import { Connection } from "@protosocket/protosocket";
 * import * as cloudflare from "@protosocket/protosocket/cloudflare";
 * import { json } from "@protosocket/protosocket/json";
 * import { rpcReactor } from "@protosocket/protosocket/rpc";
 * import { type Plain, plain, plainMessage } from "../../examples/support/plain_messages.ts";
 *
 * const messages = { request: plainMessage<string>(), response: plainMessage<string>() };
 *
 * export class Room {
 *   readonly #sockets: cloudflare.HibernatingWebSockets;
 *
 *   constructor(state: cloudflare.HibernatingState) {
 *     this.#sockets = new cloudflare.HibernatingWebSockets(state, (duplex, rest) => {
 *       const { rpcObserver } = rest;
 *       new Connection(duplex, {
 *         codec: rest.codec(json<Plain<string>>()),
 *         reactor: rpcReactor(messages, ({ body }) => plain(`hello, ${body}`), { rpcObserver }),
 *       });
 *     });
 *   }
 *   fetch(request: Request): Response {
 *     return this.#sockets.upgrade(request);
 *   }
 *   webSocketMessage(socket: cloudflare.HibernatingWebSocket, data: unknown): Promise<void> {
 *     return this.#sockets.onMessage(socket, data);
 *   }
 *   webSocketClose(socket: cloudflare.HibernatingWebSocket, code: number, reason: string): void {
 *     this.#sockets.onClose(socket, code, reason);
 *   }
 *   webSocketError(socket: cloudflare.HibernatingWebSocket, error: unknown): void {
 *     this.#sockets.onError(socket, error);
 *   }
 * }
 * ```
 */
export class HibernatingWebSockets {
  readonly #state: HibernatingState;
  readonly #onSocket: OnHibernatingSocket;
  readonly #options: UpgradeOptions;
  readonly #sessions = new Map<HibernatingWebSocket, Session>();

  /** Made in the constructor of the Durable Object, with its `ctx`. */
  constructor(
    state: HibernatingState,
    onSocket: OnHibernatingSocket,
    options: UpgradeOptions = {},
  ) {
    this.#state = state;
    this.#onSocket = onSocket;
    this.#options = options;
  }

  /** Answers a request: makes a WebSocket of it, or refuses it as `upgradeWebSocket` does. */
  upgrade(request: Request): Response {
    const upgrade = pairFor(request, this.#options);
    if (upgrade.kind === "accepted") {
      const socket = upgrade.socket as HibernatingWebSocket;
      this.#state.acceptWebSocket(socket);
      const { halfClose } = upgrade;
      socket.serializeAttachment({ protosocket: { halfClose } } satisfies Attachment);
      this.#open(socket);
    }
    return upgrade.response;
  }

  /**
   * Hand it `webSocketMessage`, and return what it returns: it resolves when the object
   * may sleep. Other messages come meanwhile.
   */
  onMessage(socket: HibernatingWebSocket, data: unknown): Promise<void> {
    const { transport, rest } = this.#sessions.get(socket) ?? this.#open(socket);
    transport.received(data);
    return rest.atRest();
  }

  /** Hand it `webSocketClose`. */
  onClose(socket: HibernatingWebSocket, code: number, reason: string): void {
    this.#end(socket, code, reason);
    try {
      socket.close(1000, "");
    } catch {
      // The runtime has answered the close itself, or nobody hears it.
    }
  }

  /** Hand it `webSocketError`. */
  onError(socket: HibernatingWebSocket, error: unknown): void {
    this.#end(socket, 1006, "", error);
  }

  #open(socket: HibernatingWebSocket): Session {
    const { halfClose } = (socket.deserializeAttachment() as Attachment).protosocket;
    const transport = new HibernatingTransport(socket, { ...this.#options, halfClose });
    const rest = new Rest(() => transport.over);
    const session = { transport, rest };
    this.#sessions.set(socket, session);
    this.#onSocket(transport.duplex, rest);
    return session;
  }

  #end(socket: HibernatingWebSocket, code: number, reason: string, error?: unknown): void {
    const session = this.#sessions.get(socket);
    this.#sessions.delete(socket);
    session?.transport.closed(code, reason, error);
  }
}
