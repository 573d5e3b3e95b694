// What interceptors in plain JavaScript may do wrong, and who is told.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { test } from "node:test";
import {
  createClient,
  defineService,
  implement,
  inMemory,
  Metadata,
} from "@protosocket/protosocket/services";
import { z } from "zod";
import { soon } from "../../support/within.ts";
import { fails } from "../support.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

const text = z.string();
const S = defineService("a.S", {
  one: { request: text, response: text },
  many: { kind: "server_streaming", request: text, response: text },
  nothing: { request: text, response: z.undefined() },
});
const impl = implement(S, {
  one: (value) => value,
  many: (value) => [value],
  nothing: () => undefined,
});
const client = (service: Any, transport?: Any, options?: Any): Any =>
  createClient(service, transport, options);
const memory = (services?: Any, options?: Any) => inMemory(services, options);

const FORGETFUL: readonly [name: string, interceptor: Any][] = [
  ["does not return", (next: Any) => (call: Any) => void next(call)],
  ["awaits, and does not return", (next: Any) => async (call: Any) => void await next(call)],
];
for (const [name, interceptor] of FORGETFUL) {
  test(`misuse: an interceptor that ${name}, at a client`, async () => {
    const calls = client(S, memory([impl]), { interceptors: [interceptor] });
    for (const [method, call] of [["one", calls.one("x")], ["many", calls.many("x").next()]]) {
      const error = await soon(call.catch((error: unknown) => error), "a failure");
      assertEquals(
        String(error),
        `TypeError: An interceptor has returned undefined for a call of a.S/${method}`,
      );
    }
  });

  test(`misuse: an interceptor that ${name}, at a server`, async () => {
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const calls = client(S, memory([impl], { interceptors: [interceptor], onError }));
    await fails(calls.one("x"), "internal");
    await fails(calls.many("x").next(), "internal");
    assertEquals(errors.map(String), [
      "TypeError: An interceptor has returned undefined for a call of a.S/one",
      "TypeError: An interceptor has returned undefined for a call of a.S/many",
    ]);
  });
}

const COPIES: readonly [name: string, interceptor: Any][] = [
  ["a copy", (next: Any) => (call: Any) => next({ ...call, context: { ...call.context } })],
  [
    "a copy with other metadata",
    (next: Any) => (call: Any) =>
      next({ ...call, context: { ...call.context, metadata: new Metadata() } }),
  ],
];
for (const [name, interceptor] of COPIES) {
  test(`misuse: an interceptor that passes on ${name} of the context`, async () => {
    const told =
      "TypeError: next() takes the call that an interceptor is given, not a copy of its context";
    const calls = client(S, memory([impl]), { interceptors: [interceptor] });
    for (const call of [calls.one("x"), calls.many("x").next()]) {
      assertEquals(await soon(call.catch(String), "a failure"), told);
    }
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(String(error));
    const others = client(S, memory([impl], { interceptors: [interceptor], onError }));
    await fails(others.one("x"), "internal");
    await fails(others.many("x").next(), "internal");
    assertEquals(errors, [told, told]);
  });
}

test("misuse: what makes an interceptor, in place of the interceptor", async () => {
  const maker: Any = () => (next: Any) => (call: Any) => next(call);
  const told = "TypeError: An interceptor has returned a function for a call of a.S/one";
  const calls = client(S, memory([impl]), { interceptors: [maker] });
  const failure = await soon(calls.one("x").catch(String), "a failure");
  assertStringIncludes(failure as string, told);
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(String(error));
  const others = client(S, memory([impl], { interceptors: [maker], onError }));
  await fails(others.one("x"), "internal");
  assertStringIncludes(errors.join(), told);
});

test("misuse: an interceptor that answers a stream with something else, at a client", async () => {
  const calls = client(S, memory([impl]), { interceptors: [() => () => Promise.resolve("x")] });
  const error = await soon(calls.many("x").next().catch((error: unknown) => error), "a failure");
  assertEquals(
    String(error),
    'TypeError: An interceptor has answered a.S/many with what is no async iterable: "x"',
  );
});

test("an interceptor that forgets a call that fails does not end the process", async () => {
  const bad = implement(S, {
    one() {
      throw new Error("no");
    },
  });
  const interceptors = [FORGETFUL[0]![1]];
  const calls = client(S, memory([bad], { interceptors, onError() {} }));
  await fails(calls.one("x"), "internal");
});

const ASTRAY: readonly [name: string, interceptor: Any, told: string][] = [
  ["nothing", (next: Any) => async () => await next(), "undefined"],
  ["the request", (next: Any) => async (call: Any) => await next(call.request), '"x"'],
];
for (const [name, interceptor, told] of ASTRAY) {
  test(`misuse: an interceptor that passes on ${name}`, async () => {
    const message = `next() takes the call that an interceptor is given, not ${told}`;
    const calls = client(S, memory([impl]), { interceptors: [interceptor] });
    for (const call of [calls.one("x"), calls.many("x").next()]) {
      const error = await soon(call.catch((error: unknown) => error), "a failure");
      assertEquals(String(error), `TypeError: ${message}`);
    }
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    await fails(
      client(S, memory([impl], { interceptors: [interceptor], onError })).one("x"),
      "internal",
    );
    assertEquals(errors.map(String), [`TypeError: ${message}`]);
  });
}

test("an answer that is undefined passes interceptors", async () => {
  const interceptors = [(next: Any) => async (call: Any) => await next(call)];
  const calls = client(S, memory([impl], { interceptors }), { interceptors });
  assertEquals(await soon(calls.nothing("x"), "an answer"), undefined);
});

test("a handler without an iterable is told apart from an interceptor without one", async () => {
  const errors: unknown[] = [];
  const bad = implement(S, { many: () => undefined } as Any);
  const interceptors = [(next: Any) => (call: Any) => next(call)];
  const onError = (error: unknown) => errors.push(error);
  await fails(client(S, memory([bad], { interceptors, onError })).many("x").next(), "internal");
  assertEquals(errors.map(String), [
    "TypeError: The handler of a.S/many must return an iterable, not undefined",
  ]);
});
