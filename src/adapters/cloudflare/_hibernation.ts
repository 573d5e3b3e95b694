import type { SocketDuplex } from "../../duplex/duplex.ts";
import { pairFor, type UpgradeOptions } from "./_pair.ts";
import { Awake } from "./_awake.ts";
import { EventTransport, type WebSocketLike } from "../websocket/_events.ts";

/** A WebSocket that stays open while its Durable Object hibernates. */
export interface HibernatingWebSocket extends WebSocketLike {
  /** Stores a value with the socket, where it survives hibernation. */
  serializeAttachment(value: unknown): void;
  /** Returns the stored value. */
  deserializeAttachment(): unknown;
}

/** The part of a Durable Object's state (`ctx`) that is used. */
export interface HibernatingState {
  /** Accepts a WebSocket whose events wake the object. */
  // deno-lint-ignore no-explicit-any
  acceptWebSocket(socket: any): void;
}

/**
 * Makes a connection from a WebSocket: when it is accepted, and again when bytes arrive on
 * it after the object has hibernated. `awake` tracks what must not be lost.
 */
export type OnHibernatingSocket = (duplex: SocketDuplex, awake: Awake) => void;

class HibernatingTransport extends EventTransport<HibernatingWebSocket> {
  /** Whether the connection holds nothing any more. */
  get over(): boolean {
    return this.gone;
  }
}

interface Session {
  readonly transport: HibernatingTransport;
  readonly awake: Awake;
}

/** What is stored with the socket. */
interface Attachment {
  readonly protosocket: { readonly halfClose: boolean };
}

/**
 * The WebSockets of a Durable Object that may hibernate while they are idle.
 *
 * A hibernating object loses its memory, but its WebSockets stay open. So a connection lives
 * from one hibernation to the next: when bytes arrive again, a new duplex is made from the
 * same WebSocket, and `onSocket` makes a new connection from that. **What survives** is the
 * WebSocket, whether it supports half-close, and what the object has stored. **What does not
 * survive** is the connection, its reactor with its state, and the object's fields; the old
 * connection's `onClose` is not called.
 *
 * So that no bytes are lost, the object is kept awake while part of a message has arrived,
 * an RPC is in progress, or a promise given to `awake.until` is pending. This requires that
 * the connection uses the codec and the RPC observer of its `awake`. Timers keep an object
 * awake as well: a connection that is closing has one, and a `heartbeat` or an
 * `idleTimeout` keeps the object from ever hibernating.
 *
 * @example
 * ```ts ignore
 * import { Connection } from "@protosocket/protosocket";
 * import * as cloudflare from "@protosocket/protosocket/cloudflare";
 * import { json } from "@protosocket/protosocket/json";
 * import { rpcFields, rpcReactor } from "@protosocket/protosocket/rpc";
 *
 * type Message = { id?: number; code?: number; text?: string };
 * const message = rpcFields<Message>({ id: "id", code: "code" });
 * const messages = { request: message, response: message };
 *
 * export class Room {
 *   readonly #sockets: cloudflare.HibernatingWebSockets;
 *
 *   constructor(state: cloudflare.HibernatingState) {
 *     this.#sockets = new cloudflare.HibernatingWebSockets(state, (duplex, awake) => {
 *       const { rpcObserver } = awake;
 *       new Connection(duplex, {
 *         codec: awake.codec(json<Message>()),
 *         reactor: rpcReactor(messages, ({ text }) => ({ text: `hello, ${text}` }), { rpcObserver }),
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

  /** Call it in the constructor of the Durable Object, with its `ctx`. */
  constructor(
    state: HibernatingState,
    onSocket: OnHibernatingSocket,
    options: UpgradeOptions = {},
  ) {
    this.#state = state;
    this.#onSocket = onSocket;
    this.#options = options;
  }

  /** Responds to a request: accepts its WebSocket, or refuses it as `upgradeWebSocket` does. */
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
   * Call it from `webSocketMessage`, and return its promise, which resolves when the object
   * may hibernate. Other messages may arrive meanwhile.
   */
  onMessage(socket: HibernatingWebSocket, data: unknown): Promise<void> {
    const { transport, awake } = this.#sessions.get(socket) ?? this.#open(socket);
    transport.received(data);
    return awake.atRest();
  }

  /** Call it from `webSocketClose`. */
  onClose(socket: HibernatingWebSocket, code: number, reason: string): void {
    this.#end(socket, code, reason);
    try {
      socket.close(1000, "");
    } catch {
      // The runtime has already replied to the close, or the peer is gone.
    }
  }

  /** Call it from `webSocketError`. */
  onError(socket: HibernatingWebSocket, error: unknown): void {
    this.#end(socket, 1006, "", error);
  }

  #open(socket: HibernatingWebSocket): Session {
    const { halfClose } = (socket.deserializeAttachment() as Attachment).protosocket;
    const transport = new HibernatingTransport(socket, { ...this.#options, halfClose });
    const awake = new Awake(() => transport.over);
    const session = { transport, awake };
    this.#sessions.set(socket, session);
    this.#onSocket(transport.duplex, awake);
    return session;
  }

  #end(socket: HibernatingWebSocket, code: number, reason: string, error?: unknown): void {
    const session = this.#sessions.get(socket);
    this.#sessions.delete(socket);
    session?.transport.closed(code, reason, error);
  }
}
