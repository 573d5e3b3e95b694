// What a program in plain JavaScript may do wrong, and what it is told.
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  createClient,
  defineService,
  health,
  implement,
  inMemory,
  Metadata,
  serveServices,
  serviceConnector,
  ServiceError,
  type StandardSchema,
} from "@protosocket/protosocket/services";
import { duplexPair } from "@protosocket/protosocket";
import { serviceOf as serviceOfEs } from "@protosocket/protosocket/services-protobuf-es";
import { serviceOf } from "@protosocket/protosocket/services-ts-proto";
import { z } from "zod";
import { soon } from "../../support/within.ts";
import { Prices as PricesDesc } from "../proto/gen/prices_pb.ts";
import { PricesDefinition } from "../proto/gen/prices.ts";
import { all, fails, Prices } from "../support.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

const text = z.string();
const S = defineService("a.S", {
  one: { request: text, response: text },
  many: { kind: "server_streaming", request: text, response: text },
  sum: { kind: "client_streaming", request: z.number(), response: z.number() },
  both: { kind: "bidi_streaming", request: text, response: text },
  nothing: { request: text, response: z.undefined() },
});
const impl = implement(S, {
  one: (value) => value,
  many: (value) => [value],
  nothing: () => undefined,
});
const [duplex] = duplexPair();
const listener: Any = {
  close() {},
  [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
};
const define = (name: Any, methods?: Any, options?: Any) => defineService(name, methods, options);
const client = (service: Any, transport?: Any, options?: Any): Any =>
  createClient(service, transport, options);
const serving = (options?: Any) => serveServices(listener, options);
const memory = (services?: Any, options?: Any) => inMemory(services, options);
const failure = (options: Any) => new ServiceError("internal", "x", options);
const called = (name: string, request?: Any, options?: Any) =>
  client(S, memory([impl]), options)[name](request);

const MISUSES: Readonly<Record<string, readonly [act: () => unknown, message: string]>> = {
  "details that are no array": [
    () => failure({ details: "abc" }),
    'details must be an array, not "abc"',
  ],
  "details of text": [
    () => failure({ details: ["abc"] }),
    "details[0] must have a string typeUrl and a Uint8Array value",
  ],
  "details that are empty": [
    () => failure({ details: [{ typeUrl: "a", value: new Uint8Array() }, {}] }),
    "details[1] must have a string typeUrl and a Uint8Array value",
  ],
  "metadata of a number": [
    () => failure({ metadata: { a: 1 } }),
    "The metadata a must be a string or a Uint8Array, not 1",
  ],
  "metadata of null": [
    () => client(S, memory([impl]), { metadata: { a: null } }),
    "The metadata a must be a string or a Uint8Array, not null",
  ],
  "metadata that is no object": [
    () => new Metadata("a" as Any),
    "metadata must be an object of values, not of type String",
  ],
  "metadata as Headers": [
    () => client(S, memory([impl]), { metadata: new Headers({ a: "b" }) }),
    "metadata must be an object of values, not of type Headers",
  ],
  "metadata as a Map": [
    () => failure({ metadata: new Map([["a", "b"]]) }),
    "metadata must be an object of values, not of type Map",
  ],
  "metadata as a list of entries": [
    () => new Metadata([["a", "b"]] as Any),
    "metadata must be an object of values, not of type Array",
  ],
  "metadata that was not awaited": [
    () => client(S, memory([impl]), { metadata: Promise.resolve({ a: "b" }) }),
    "metadata must be an object of values, not of type Promise",
  ],
  "a key of metadata that is empty": [
    () => new Metadata({ "": "a" }),
    'A key of metadata must be 1 to 128 of a-z 0-9 _ - . and not ""',
  ],
  "a misspelt option": [
    () => serving({ service: [impl] }),
    "services must be an array of what implement() returns, not undefined",
  ],
  "one implementation": [
    () => serving({ services: impl }),
    "services must be an array of what implement() returns, not only one: put it in brackets",
  ],
  "no options": [() => serving(), "options must have services, not be undefined"],
  "one implementation in memory": [
    () => memory(impl),
    "services must be an array of what implement() returns, not only one: put it in brackets",
  ],
  "a definition in place of an implementation": [
    () => memory([impl, S]),
    "services[1] must be what implement() returns, not the definition of a.S, which has no handlers",
  ],
  "undefined in place of an implementation": [
    () => serving({ services: [undefined] }),
    "services[0] must be what implement() returns, not undefined",
  ],
  "no transport": [
    () => client(S),
    "transport must be what serviceClient() or inMemory() returns, or a pool, not undefined",
  ],
  "a duplex as the transport": [
    () => client(S, duplex),
    "or a pool, not a duplex: pass that to serviceClient()",
  ],
  "an implementation as the transport": [
    () => client(S, impl),
    "or a pool, not what implement() returns: inMemory() takes an array of that",
  ],
  "implementations as the transport": [() => client(S, [impl]), "or a pool, not an array"],
  "a server as the transport": [
    () => client(S, { connections: new Set() }),
    "or a pool, not a server: connect() to its address",
  ],
  "swapped arguments of a server": [
    () => serveServices({ services: [impl] } as Any, listener),
    "listener must be what listen() resolves to, not an object",
  ],
  "a connector as options": [
    () => serving(serviceConnector({ services: [impl] })),
    "options must have services, not be a function",
  ],
  "a promise as the transport": [
    () => client(S, Promise.resolve(duplex)),
    "or a pool, not a promise: await it",
  ],
  "swapped arguments": [
    () => client(memory([impl]), S),
    "service must be what defineService() or serviceOf() returns, not a transport: the service comes first",
  ],
  "an implementation as the service": [
    () => client(impl, memory([impl])),
    "not what implement() returns: it is in its `service`",
  ],
  "what protobuf-es generates": [
    () => client(PricesDesc, memory([impl])),
    "not what was generated: pass that to serviceOf() first",
  ],
  "what ts-proto generates": [
    () => implement(PricesDefinition as Any, {}),
    "not what was generated: pass that to serviceOf() first",
  ],
  "no handlers": [
    () => implement(S, undefined as Any),
    "handlers of a.S must be an object of functions, not undefined",
  ],
  "no service": [
    () => implement(undefined as Any, {}),
    "service must be what defineService() or serviceOf() returns, not undefined",
  ],
  "a handler that is no function": [
    () => implement(S, { one: 5 } as Any),
    "The handler of a.S/one must be a function, not 5",
  ],
  "a text for idempotent": [
    () => define("a.S", { sum: { request: text, response: text, idempotent: "yes" } }),
    'idempotent of a.S/sum must be true or false, not "yes"',
  ],
  "what the other generator of a .proto made": [
    () => serviceOf(PricesDesc as Any),
    "not what protoc-gen-es generated: that is for the serviceOf of ./services-protobuf-es",
  ],
  "the same the other way": [
    () => serviceOfEs(PricesDefinition as Any),
    "not what ts-proto generated: that is for the serviceOf of ./services-ts-proto",
  ],
  "an unknown kind": [
    () => define("a.S", { sum: { kind: "server-streaming", request: text, response: text } }),
    "kind of a.S/sum must be one of unary, server_streaming, client_streaming, bidi_streaming, " +
    'not "server-streaming"',
  ],
  "no response": [
    () => define("a.S", { sum: { request: text } }),
    "response of a.S/sum must be a validator, as of zod or valibot, not undefined",
  ],
  "a constructor as a validator": [
    () => define("a.S", { sum: { request: String, response: text } }),
    "request of a.S/sum must be a validator, as of zod or valibot, not a function",
  ],
  "no name": [() => define("", {}), 'name must be that of the service, a string, not ""'],
  "no methods": [() => define("a.S"), "methods of a.S must be an object of methods, not undefined"],
  "a method without a name": [
    () => define("a.S", { "": { request: text, response: text } }),
    "A method of a.S has no name",
  ],
  "a method that is no object": [
    () => define("a.S", { sum: null }),
    "a.S/sum must be an object with request and response, not null",
  ],
  "an encoding's name": [
    () => define("a.S", {}, { encoding: "json" }),
    'encoding of a.S must be a ValueEncoding, not "json"',
  ],
  "one interceptor": [
    () => client(S, memory([impl]), { interceptors: () => {} }),
    "interceptors must be an array of functions, not a function",
  ],
  "one interceptor at a server": [
    () => serving({ services: [impl], interceptors: () => {} }),
    "interceptors must be an array of functions, not a function",
  ],
  "an interceptor that is none": [
    () => memory([impl], { interceptors: [{}] }),
    "interceptors[0] must be a function, not an object",
  ],
  "an interceptor of the wrong form": [
    () => client(S, memory([impl]), { interceptors: [async (call: Any) => await call.context.x] }),
    "interceptors[0] must return a function, (call) => next(call), not an object",
  ],
  "an interceptor of the wrong form at a server": [
    () => memory([impl], { interceptors: [(next: Any) => next, () => {}] }),
    "interceptors[1] must return a function, (call) => next(call), not undefined",
  ],
  "a status in upper case": [
    () => health().set("x", "SERVING" as Any),
    'status must be one of "unknown", "serving", "not-serving", "service-unknown", not "SERVING"',
  ],
  "a status alone": [
    () => health().set("serving" as Any, undefined as Any),
    "not undefined",
  ],
  "a service without a name": [
    () => health().set(undefined as Any, "serving"),
    "service must be its name, a string, not undefined",
  ],
  "a number for a stream, both ways": [
    () => called("both", 5),
    "a.S/both takes an iterable of requests, not 5",
  ],
};

for (const [name, [act, message]] of Object.entries(MISUSES)) {
  test(`misuse: ${name}`, () => {
    assertThrows(() => void act(), TypeError, message);
  });
}

test("misuse: a number for a stream of requests", async () => {
  const error = await soon(called("sum", 5).catch((error: unknown) => error), "a failure");
  assert(error instanceof TypeError);
  assertEquals(error.message, "a.S/sum takes an iterable of requests, not 5");
});

test("misuse: a message that is no object", async () => {
  const es: Any = createClient(Prices, inMemory([]));
  const error = await fails(es.getQuote(5), "invalid-argument");
  assertStringIncludes(error.message, "A protosocket.test.QuoteRequest must be an object, not 5");
  const ts: Any = createClient(serviceOf(PricesDefinition), inMemory([]));
  const other = await fails(ts.getQuote(undefined), "invalid-argument");
  assertStringIncludes(other.message, "A message must be an object, not undefined");
});

test("a failure may have its metadata as a plain object", async () => {
  const own = memory([implement(S, {
    async one() {
      await Promise.resolve();
      throw new ServiceError("out-of-range", "a<0", { metadata: { hint: "pos" } });
    },
  })]);
  const error = await fails(createClient(S, own).one("x"), "out-of-range");
  assertEquals(error.metadata?.get("hint"), "pos");
});

test("a failure that cannot be sent is an internal error", async () => {
  const changed = (changes: object) =>
    Object.assign(new ServiceError("not-found", "secret"), changes);
  const refuse = () => {
    throw new Error("a trap");
  };
  const failures: readonly [thrown: unknown, told: string][] = [
    [changed({ details: ["abc"] }), "TypeError: details[0] must have"],
    [changed({ details: [{}] }), "TypeError: details[0] must have"],
    [changed({ code: "gone" }), "TypeError: A ServiceError has the code gone"],
    [changed({ metadata: { a: "b" } }), "TypeError"],
    [new Proxy(new ServiceError("not-found", "x"), { get: refuse }), "Error: a trap"],
    [new Proxy({}, { get: refuse, getPrototypeOf: refuse }), "Error: a trap"],
  ];
  for (const [thrown, told] of failures) {
    const errors: unknown[] = [];
    const own = memory([implement(S, {
      async one() {
        await Promise.resolve();
        throw thrown;
      },
      many() {
        throw thrown;
      },
      // deno-lint-ignore require-yield
      async *both() {
        throw thrown;
      },
    })], { onError: (error: unknown) => errors.push(error) });
    const calls = createClient(S, own);
    const error = await fails(calls.one("x"), "internal");
    assertEquals(error.message, "The handler of a.S/one failed");
    await fails(all(calls.many("x")), "internal");
    await fails(all(calls.both(["x"])), "internal");
    assertEquals(errors.length, 3);
    for (const error of errors) assertStringIncludes(String(error), told);
  }
});

test("an asynchronous validator is the server's fault", async () => {
  const later: StandardSchema<string> = {
    "~standard": {
      version: 1,
      vendor: "test",
      // What it rejects with must not end the process.
      validate: () => Promise.reject(new Error("no such user")),
    },
  };
  const Late = defineService("a.Late", {
    one: { request: later, response: text },
    sum: { kind: "client_streaming", request: later, response: text },
  });
  const errors: unknown[] = [];
  const own = implement(Late, {
    one: (value) => value,
    sum: async (values) => (await all(values)).join(),
  });
  const calls = createClient(
    Late,
    memory([own], { onError: (error: unknown) => errors.push(error) }),
  );
  await fails(calls.one("x"), "internal");
  await fails(calls.sum(["x"]), "internal");
  assertEquals(errors.map(String), [
    "TypeError: The validator of the request of a.Late/one is asynchronous, which it must not be",
    "TypeError: The validator of the request of a.Late/sum is asynchronous, which it must not be",
  ]);
});

test("what is missing at a server is told apart", async () => {
  const Other = defineService("b.S", { one: { request: text, response: text } });
  const More = defineService("a.S", { more: { request: text, response: text } });
  const own = memory([impl]);
  const messages = [];
  for (
    const call of [
      createClient(S, own).sum([1]),
      createClient(More, own).more("x"),
      createClient(Other, own).one("x"),
    ]
  ) messages.push((await fails(call, "unimplemented")).message);
  assertEquals(messages, [
    "The method a.S/sum has no handler here",
    "There is no method a.S/more",
    "There is no service b.S here",
  ]);
});
