// What the workers of the tests run: rpcs over the worker's own port, and over each port
// that is sent to it as the body of a channel.
import { Connection, type Duplex } from "@protosocket/protosocket";
import { portDuplex, type PortLike } from "@protosocket/protosocket/message-port";
import { type RpcContext, rpcReactor } from "@protosocket/protosocket/rpc";
import { body, jsonCodec, type Message, messages } from "../support/rpc.ts";

/** Tells this worker from others. */
const name = crypto.randomUUID();

function serveOn(duplex: Duplex): void {
  new Connection(duplex, { codec: jsonCodec(), reactor: rpcReactor(messages, answer) });
}

function answer(request: Message, { signal }: RpcContext): Message | Promise<Message> {
  switch (request.body) {
    case "who":
      return body(name);
    case "die":
      setTimeout(() => {
        throw new Error("a worker of the tests dies as it should");
      });
      return new Promise(() => {});
    case "never":
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    default:
      return body(request.body);
  }
}

/** Serves on the port of this worker. */
export function serveHere(port: PortLike): void {
  serveOn(portDuplex(port));
}

/** Serves on every port that is posted to this worker, which is used for that alone. */
export function serveChannels(scope: EventTarget): void {
  scope.addEventListener("message", (event) => serveOn(portDuplex((event as MessageEvent).data)));
}
