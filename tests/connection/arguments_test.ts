// Arguments of the wrong kind: told at once, and in words.
import { assertMatch, assertThrows } from "@std/assert";
import { test } from "node:test";
import { Connection, duplexPair, serve } from "../../mod.ts";
import { RpcClient, rpcReactor, serveRpc } from "../../src/rpc/mod.ts";
import { json } from "../../src/codecs/json.ts";
import { memoryListener } from "../support/memory_listener.ts";
import { messages } from "../support/rpc.ts";
import { deferred, soon } from "../support/within.ts";

const [duplex] = duplexPair();
const reactor = () => ({ onInboundMessage: () => {} });
const service = () => () => ({ id: 0, code: 0 });
const codec = () => json<never>();
const { setId: _, ...request } = messages.request;

/** Said of what is no heartbeat. */
const noMessage =
  /^heartbeat(\.message must be a function, not undefined| must have a message, not be .+)$/;

const cases: [name: string, run: () => unknown, told: RegExp][] = [
  [
    "a duplex that was not awaited",
    () => new Connection(Promise.resolve(duplex) as never, { codec: json(), reactor }),
    /^duplex must not be a promise: await it$/,
  ],
  [
    "a string for a duplex",
    () => new Connection("ws://a" as never, { codec: json(), reactor }),
    /^duplex must have streams, readable and writable, but it is "ws:\/\/a"$/,
  ],
  [
    "a function for a codec",
    () => new Connection(duplex, { codec: json as never, reactor }),
    /^codec must have .* a function: call it$/,
  ],
  [
    "no codec",
    () => new Connection(duplex, { reactor } as never),
    /^codec must have an encoder and a decoder, but it is undefined$/,
  ],
  [
    "an object for what makes a reactor",
    () => new Connection(duplex, { codec: json(), reactor: reactor() as never }),
    /^reactor must be a function that makes one for a sender, not an object$/,
  ],
  [
    "nothing for a reactor",
    () => new Connection(duplex, { codec: json(), reactor: () => undefined as never }),
    /^onInboundMessage of a reactor must be a function, not undefined$/,
  ],
  [
    "a listener that was not awaited",
    () => serve(Promise.resolve(memoryListener()) as never, () => ({ codec: json(), reactor })),
    /^listener must not be a promise/,
  ],
  ["a port for a listener", () => serve(9000 as never, (() => {}) as never), /^listener must be/],
  [
    "no connector",
    () => serve(memoryListener(), undefined as never),
    /^connector must be a function/,
  ],
  [
    "a codec for what makes one",
    () => serveRpc(memoryListener(), { codec: json() as never, messages, service }),
    /^codec must be a function that makes one for each connection/,
  ],
  [
    "no service",
    () => serveRpc(memoryListener(), { codec, messages } as never),
    /^service must be a function/,
  ],
  [
    "half a mapping",
    () =>
      serveRpc(memoryListener(), { codec, messages: { ...messages, request } as never, service }),
    /^messages\.request\.setId must be a function, not undefined$/,
  ],
  [
    "no mapping",
    () => new RpcClient(duplex, { codec: json() } as never),
    /^messages\.request\.id must be a function/,
  ],
  [
    "a client's duplex that was not awaited",
    () => new RpcClient(Promise.resolve(duplex) as never, { codec: json(), messages }),
    /await it$/,
  ],
  ...[true, 5, null, "x", []].flatMap((value): typeof cases => [
    [
      `${value} for a heartbeat`,
      () => new Connection(duplex, { codec: json(), reactor, heartbeat: value as never }),
      noMessage,
    ],
    [
      `${value} for the heartbeat of a server`,
      () => serveRpc(memoryListener(), { codec, messages, service, heartbeat: value as never }),
      noMessage,
    ],
    [
      `${value} for an observer`,
      () => new RpcClient(duplex, { codec: json(), messages, observer: value as never }),
      /^observer must be an object of options, not /,
    ],
    [
      `${value} for the observer of RPCs`,
      () => new RpcClient(duplex, { codec: json(), messages, rpcObserver: value as never }),
      /^rpcObserver\.onRpc must be a function, not undefined$/,
    ],
    [
      `${value} for the observer of a server's RPCs`,
      () => serveRpc(memoryListener(), { codec, messages, service, rpcObserver: value as never }),
      /^rpcObserver\.onRpc must be a function, not undefined$/,
    ],
    [
      `${value} for onError`,
      () => serveRpc(memoryListener(), { codec, messages, service, onError: value as never }),
      /^onError must be a function, not /,
    ],
    [
      `${value} for onConnectionError`,
      () => serve(memoryListener(), (() => {}) as never, { onConnectionError: value as never }),
      /^onConnectionError must be a function, not /,
    ],
    [
      `${value} for onConnectError`,
      () => serve(memoryListener(), (() => {}) as never, { onConnectError: value as never }),
      /^onConnectError must be a function, not /,
    ],
  ]),
  [
    "a heartbeat without a message",
    () => new Connection(duplex, { codec: json(), reactor, heartbeat: { interval: 5 } as never }),
    /^heartbeat\.message must be a function, not undefined$/,
  ],
  [
    "a socket of Node's for a duplex",
    () =>
      new Connection(
        { pipe() {}, readable: true, writable: true } as never,
        { codec: json(), reactor },
      ),
    /^duplex must have streams, readable and writable, but it is an object$/,
  ],
  [
    "a handler's answer for a handler",
    () => rpcReactor(messages, { id: 0, code: 0 } as never),
    /^handler must be a function: service: /,
  ],
];

for (const [name, run, told] of cases) {
  test(`arguments: ${name}`, () => {
    assertMatch(assertThrows(run, TypeError).message, told);
  });
}

test("arguments: a service that is the handler is told when a connection comes", async () => {
  const refused = deferred<unknown>();
  const listener = memoryListener();
  const server = serveRpc(listener, {
    codec,
    messages,
    service: (() => ({ id: 0, code: 0 })) as never,
    onConnectError: refused.resolve,
  });
  listener.dial(7);
  const error = await soon(refused.promise, "a refusal") as TypeError;
  assertMatch(`${error}`, /^TypeError: handler must be a function/);
  await soon(server.close(), "the close");
});
