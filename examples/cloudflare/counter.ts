// A Durable Object that serves RPCs over WebSockets, and hibernates while it is idle.
import { Connection } from "@protosocket/protosocket";
import {
  type HibernatingState,
  type HibernatingWebSocket,
  HibernatingWebSockets,
} from "@protosocket/protosocket/cloudflare";
import { json } from "@protosocket/protosocket/json";
import { refused, type RpcAnswer, rpcReactor } from "@protosocket/protosocket/rpc";
import { plain } from "../support/plain_messages.ts";
import { messages, type Request, type Response } from "./messages.ts";

/** The part of a Durable Object's state that is used. */
interface State extends HibernatingState {
  readonly storage: {
    get(key: string): Promise<number | undefined>;
    put(key: string, value: number): Promise<void>;
  };
}

export class Counter {
  readonly #storage: State["storage"];
  readonly #sockets: HibernatingWebSockets;
  /** Reset when the object wakes up, like everything that is not stored. */
  #awake = 0;

  constructor(state: State) {
    this.#storage = state.storage;
    this.#sockets = new HibernatingWebSockets(state, (duplex, awake) => {
      const { rpcObserver } = awake;
      new Connection(duplex, {
        codec: awake.codec(json<Request, Response>()),
        // An incomplete message keeps the object awake, but must not do so for ever.
        messageTimeout: 60_000,
        reactor: rpcReactor(messages, (request) => this.#answer(request), { rpcObserver }),
      });
    });
  }

  fetch(request: globalThis.Request): globalThis.Response {
    return this.#sockets.upgrade(request);
  }

  webSocketMessage(socket: HibernatingWebSocket, data: unknown): Promise<void> {
    return this.#sockets.onMessage(socket, data);
  }

  webSocketClose(socket: HibernatingWebSocket, code: number, reason: string): void {
    this.#sockets.onClose(socket, code, reason);
  }

  webSocketError(socket: HibernatingWebSocket, error: unknown): void {
    this.#sockets.onError(socket, error);
  }

  #answer({ body }: Request): RpcAnswer<Response> {
    if (!body || !(body.by >= 0)) return refused;
    this.#awake++;
    return body.stream ? this.#each(body.by) : this.#add(body.by);
  }

  async #add(by: number): Promise<Response> {
    const total = (await this.#storage.get("total") ?? 0) + by;
    await this.#storage.put("total", total);
    return plain({ total, awake: this.#awake });
  }

  async *#each(by: number): AsyncGenerator<Response> {
    for (let count = 0; count < by; count++) yield await this.#add(1);
  }
}
