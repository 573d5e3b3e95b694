// Options of the wrong kind: each is refused at once, by its name.
import { assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  createClient,
  defineService,
  implement,
  inMemory,
  serveServices,
  serviceClient,
} from "@protosocket/protosocket/services";
import { duplexPair } from "@protosocket/protosocket";
import { z } from "zod";
import { memoryListener } from "../../support/memory_listener.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

const text = z.string();
const S = defineService("a.S", {
  many: { kind: "server_streaming", request: text, response: text },
});
const impl = implement(S, { many: (value) => [value] });
const [duplex] = duplexPair();
const define = (name: Any, methods?: Any, options?: Any) => defineService(name, methods, options);
const client = (service: Any, transport?: Any, options?: Any): Any =>
  createClient(service, transport, options);
const serving = (options: Any) => serveServices(memoryListener(), options);
const memory = (services?: Any, options?: Any) => inMemory(services, options);

/** What is done with a value that is neither an object nor a function, and what is said. */
function misuses(value: Any): [what: string, act: () => unknown, told: string][] {
  const not = `not ${typeof value === "string" ? '"x"' : value}`;
  const object = (name: string) => `${name} must be an object of options, ${not}`;
  return [
    ["options of a client", () => client(S, memory([impl]), value), object("options")],
    ["options of a call", () => client(S, memory([impl])).many("x", value), object("options")],
    ["a context", () => client(S, memory([impl])).many("x", { context: value }), object("context")],
    [
      "a signal",
      () => client(S, memory([impl])).many("x", { signal: value }),
      `signal must be an AbortSignal, ${not}`,
    ],
    [
      "onMetadata",
      () => client(S, memory([impl])).many("x", { onMetadata: value }),
      `onMetadata must be a function, ${not}`,
    ],
    [
      "onTrailers",
      () => client(S, memory([impl])).many("x", { onTrailers: value }),
      `onTrailers must be a function, ${not}`,
    ],
    ["options of a definition", () => define("a.S", {}, value), object("options")],
    ["options in memory", () => memory([impl], value), object("options")],
    ["a client in memory", () => memory([impl], { client: value }), object("client")],
    ["options of a connection", () => serviceClient(duplex, value as Any), object("options")],
    [
      "the observer of a server",
      () => serving({ services: [], observer: value }),
      object("observer"),
    ],
    [
      "the observer of a server's RPCs",
      () => serving({ services: [], rpcObserver: value }),
      "rpcObserver.onRpc must be a function, not undefined",
    ],
    [
      "onError",
      () => serving({ services: [], onError: value }),
      `onError must be a function, ${not}`,
    ],
    [
      "onConnection",
      () => serving({ services: [], onConnection: value }),
      `onConnection must be a function, ${not}`,
    ],
  ];
}

for (const value of [true, 5, null, "x"]) {
  for (const [what, act, told] of misuses(value)) {
    test(`misuse: ${value} for ${what}`, () => {
      assertThrows(() => void act(), TypeError, told);
    });
  }
}

test("misuse: text for whether a call is idempotent", () => {
  const call = () => client(S, memory([impl])).many("x", { idempotent: "no" });
  assertThrows(call, TypeError, 'idempotent must be true or false, not "no"');
});

test("misuse: a heartbeat out of range", () => {
  assertThrows(() => serving({ services: [], heartbeat: 0 }), RangeError, "heartbeat must be");
  const connecting = () => serviceClient(duplex, { heartbeat: 0 });
  assertThrows(connecting, RangeError, "heartbeat must be");
});
