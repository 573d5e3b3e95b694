// A Durable Object whose answers wait for nothing but each other: "wait" is answered when
// somebody else says "go".
import { Connection } from "@protosocket/protosocket";
import {
  type HibernatingState,
  type HibernatingWebSocket,
  HibernatingWebSockets,
} from "@protosocket/protosocket/cloudflare";
import { rpcReactor } from "@protosocket/protosocket/rpc";
import { body, jsonCodec, type Message, messages } from "../support/rpc.ts";
import { deferred } from "../support/within.ts";

export class Waiting {
  readonly #sockets: HibernatingWebSockets;
  readonly #go = deferred<Message>();

  constructor(state: HibernatingState) {
    this.#sockets = new HibernatingWebSockets(state, (duplex, awake) => {
      const { rpcObserver } = awake;
      new Connection(duplex, {
        codec: awake.codec(jsonCodec()),
        reactor: rpcReactor(messages, (request: Message) => this.#answer(request), { rpcObserver }),
      });
    });
  }

  fetch(request: Request): Response {
    return this.#sockets.upgrade(request);
  }

  webSocketMessage(socket: HibernatingWebSocket, data: unknown): Promise<void> {
    return this.#sockets.onMessage(socket, data);
  }

  webSocketClose(socket: HibernatingWebSocket, code: number, reason: string): void {
    this.#sockets.onClose(socket, code, reason);
  }

  #answer(request: Message): Message | Promise<Message> {
    if (request.body === "wait") return this.#go.promise;
    this.#go.resolve(body("gone"));
    return body("going");
  }
}

interface Env {
  readonly WAITING: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(request: Request): Promise<Response> };
  };
}

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    return env.WAITING.get(env.WAITING.idFromName("one")).fetch(request);
  },
};
