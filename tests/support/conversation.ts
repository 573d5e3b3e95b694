import {
  type CloseReason,
  Connection,
  type ConnectionOptions,
  type Duplex,
} from "@protosocket/protosocket";
import { refused, RpcClient, type RpcContext, rpcReactor } from "@protosocket/protosocket/rpc";
import { body, jsonCodec, type Message, messages } from "./rpc.ts";
import { countedSignal } from "./counted_signal.ts";
import { firing } from "./slow_server.ts";
import { outcome, soon } from "./within.ts";

/** How one call ended: the bodies it got, and what it failed with. */
export interface Ending {
  readonly call: string;
  readonly got: unknown[];
  readonly error?: unknown;
}

/** What came of a conversation. */
export interface Heard {
  readonly endings: Ending[];
  /** How often each call, and each rpc at the server, was told to have ended. */
  readonly ends: { client: number[]; server: number[] };
  /** How often each reactor was told of the end, and with what. */
  readonly closes: { client: CloseReason[]; server: CloseReason[] };
  /** How many messages each reactor was given. */
  readonly received: { client: number; server: number };
  /** What the handlers were told that answer only when they are given up. */
  readonly hanging: RpcContext[];
  /** Handlers that have not been left, neither by returning nor by a signal. */
  readonly running: Set<string>;
  /** Listeners that are left on a signal which all calls were given and which never fired. */
  readonly listeners: ReadonlySet<unknown>;
}

/** Where the server answers what it was asked before the end, one handler hangs until then. */
export const DRAIN: ConnectionOptions = { drainTimeout: 250 };

/** The reason of the caller that gives up. */
export const LOST_INTEREST: Error = new Error("lost interest");

/** The calls in the order in which they are made, and get their ids, from 1. */
export const CALLS: readonly string[] = [
  ...["hang", "value", "promise", "three", "hang too", "refuse", "endless", "throw"],
];

/**
 * An rpc client and a server talk over two duplexes that something joins: values, promises,
 * streams, refusals, failures, cancels by either side. Returns when all of it is over,
 * however that came. `watch` is shown the objects of which nothing is to be left then.
 */
export async function converse(
  near: Duplex,
  far: Duplex,
  options: ConnectionOptions = {},
  watch: (object: object) => void = () => {},
): Promise<Heard> {
  const { signal, listeners } = countedSignal();
  const heard: Heard = {
    endings: [],
    ends: { client: [], server: [] },
    closes: { client: [], server: [] },
    received: { client: 0, server: 0 },
    hanging: [],
    running: new Set(),
    listeners,
  };
  const observe = (ends: number[]) => ({
    onRpc() {
      const index = ends.push(0) - 1;
      return () => void ends[index]!++;
    },
  });
  const reactor = rpcReactor(messages, (request, context) => {
    watch(context);
    return serve(request, context, heard);
  }, {
    onError() {},
    rpcObserver: observe(heard.ends.server),
  });
  const server = new Connection<Message>(far, {
    ...options,
    codec: jsonCodec(),
    observer: { onMessagesReceived: (count) => heard.received.server += count },
    reactor: (sender) => {
      const inner = reactor(sender);
      const { onClose } = inner;
      inner.onClose = (reason) => (heard.closes.server.push(reason), onClose!.call(inner, reason));
      return inner;
    },
  });
  const client = new RpcClient<Message, Message>(near, {
    ...options,
    codec: jsonCodec(),
    messages,
    observer: {
      onClose: (reason) => heard.closes.client.push(reason),
      onMessagesReceived: (count) => heard.received.client += count,
    },
    rpcObserver: observe(heard.ends.client),
  });
  for (const object of [near, far, client, server]) watch(object);
  await soon(talk(client, heard.endings, signal), "all calls to end");
  await soon(Promise.all([client.closed, server.closed]), "both ends to close");
  return heard;
}

/** Each call begins when what is before it in its row is over: the bytes are always the same. */
async function talk(
  client: RpcClient<Message, Message>,
  endings: Ending[],
  never: AbortSignal,
): Promise<void> {
  const ask = async (call: string, signal = never) => {
    const ended = await outcome(client.unary(body(call), { signal }));
    if (ended.kind === "value") endings.push({ call, got: [ended.value.body] });
    else endings.push({ call, got: [], error: ended.error });
  };
  const stream = async (call: string, count: number) => {
    const got: unknown[] = [];
    try {
      for await (const item of client.streaming(body(call), { signal: never })) {
        if (got.push(item.body) === count) break;
      }
      endings.push({ call, got });
    } catch (error) {
      endings.push({ call, got, error });
    }
  };
  const hanging = ask("hang");
  await ask("value");
  await ask("promise");
  await stream("three", 9);
  const giveUp = new AbortController();
  const given = ask("hang too", giveUp.signal);
  await ask("refuse");
  giveUp.abort(LOST_INTEREST);
  await given;
  await stream("endless", 2);
  await ask("throw");
  const closed = client.close();
  await hanging;
  await closed;
}

function serve({ body: asked }: Message, context: RpcContext, heard: Heard) {
  const name = String(asked);
  switch (name) {
    case "value":
      return body("v");
    case "promise":
      return Promise.resolve(body("p"));
    case "refuse":
      return refused;
    case "throw":
      throw new Error("oops");
    case "three":
      return items(name, 3, heard);
    case "endless":
      return items(name, 2, heard, context.signal);
    default:
      heard.running.add(name);
      heard.hanging.push(context);
      return new Promise<Message>((_, reject) =>
        context.signal.addEventListener("abort", () => {
          heard.running.delete(name);
          reject(context.signal.reason);
        })
      );
  }
}

/** So many items, and then the end, or nothing more until `signal` fires. */
async function* items(
  name: string,
  count: number,
  { running }: Heard,
  signal?: AbortSignal,
): AsyncGenerator<Message> {
  running.add(name);
  try {
    for (let i = 0; i < count; i++) yield body(i);
    if (signal && !signal.aborted) await firing(signal);
  } finally {
    running.delete(name);
  }
}
