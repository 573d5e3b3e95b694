// What a call may come to, of every kind and in each of its phases, over sockets and in memory. The
// cases are those of connect's conformance project, as far as there is such a thing here.
import { fromBinary } from "@bufbuild/protobuf";
import {
  Metadata,
  type ServiceError,
  type ServiceErrorCode,
  STATUS_CODES,
} from "@protosocket/protosocket/services";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { DetailSchema } from "../support/proto/gen/conformance_pb.ts";
import { outcome, turn, until } from "../support/within.ts";
import {
  assertFailed,
  call,
  conformanceTest,
  type Kind,
  KINDS,
  type ScriptInit,
  STREAMS,
  UPLOADS,
} from "./conformance_ends.ts";
import { pairs } from "./conformance_service.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const isStream = (kind: Kind) => (STREAMS as readonly Kind[]).includes(kind);

/** Text, a key with several values, and all bytes that there are. */
const METADATA = new Metadata({
  text: "grüße, 世界",
  several: ["one", "two", "one"],
  empty: "",
  "all-bin": Uint8Array.from({ length: 256 }, (_, i) => i),
});
const BESIDE = { metadata: pairs(METADATA), trailers: pairs(METADATA) };

for (const kind of KINDS) {
  const reports = isStream(kind) ? 2 : 1;

  conformanceTest(`${kind}: an answer`, async ({ client }) => {
    const script: ScriptInit = { count: 2, data: bytes("hello") };
    const { reports: got, error } = await call(client, kind, [script]);
    assertEquals(error, undefined);
    assertEquals(got.map(({ data }) => data), Array(reports).fill(bytes("hello")));
  });

  conformanceTest(`${kind}: nothing but defaults, three times`, async ({ client }) => {
    for (let i = 0; i < 3; i++) {
      const { reports: got, error } = await call(client, kind, [{}]);
      assertEquals([got.length, error], [isStream(kind) ? 0 : 1, undefined]);
    }
  });

  conformanceTest(`${kind}: a request and an answer of 1 MiB`, async ({ client }) => {
    const data = new Uint8Array(2 ** 20).fill(7);
    const { reports: [got], error } = await call(client, kind, [{ data, count: 1 }]);
    assertEquals(error, undefined);
    assert(got!.data.length === data.length && got!.data.every((byte) => byte === 7));
  });

  conformanceTest(`${kind}: metadata and trailers, both ways`, async ({ client }) => {
    const options = { metadata: METADATA };
    const got = await call(client, kind, [{ ...BESIDE, count: 1 }], options);
    assertEquals(got.error, undefined);
    const seen = got.reports[0]!.metadata.map(({ key, value }) => ({ key, value }));
    assertEquals(seen, pairs(METADATA) as typeof seen);
    assertEquals(pairs(got.metadata!), pairs(METADATA));
    assertEquals(pairs(got.trailers!), pairs(METADATA));
  });

  conformanceTest(`${kind}: without metadata and trailers`, async ({ client }) => {
    const { reports: [got], metadata, trailers } = await call(client, kind, [{ count: 1 }]);
    assertEquals([got!.metadata.length, metadata?.size ?? 0, trailers?.size ?? 0], [0, 0, 0]);
  });

  conformanceTest(`${kind}: a failure before anything else`, async ({ client, errors }) => {
    const script = {
      ...BESIDE,
      failure: 5,
      message: "no such thing: 世界",
      detail: { text: "it" },
    };
    const got = await call(client, kind, [script]);
    const error = assertFailed(got.error, "not-found");
    assertEquals(got.reports, []);
    assertEquals(error.message, "no such thing: 世界");
    const [{ typeUrl, value }] = error.details as [ServiceError["details"][number]];
    assertEquals(typeUrl, "type.googleapis.com/protosocket.tests.v1.Detail");
    assertEquals(fromBinary(DetailSchema, value).text, "it");
    assertEquals(pairs(got.metadata!), pairs(METADATA));
    assertEquals(pairs(error.metadata!), pairs(METADATA));
    assertEquals(pairs(got.trailers!), pairs(METADATA));
    assertEquals(errors, []);
  });

  conformanceTest(`${kind}: a handler that crashes tells the server only`, async (ends) => {
    const { error } = await call(ends.client, kind, [{ crash: true }]);
    assert(!assertFailed(error, "internal").message.includes("secret"));
    const [method] = [kind[0]!.toUpperCase() + kind.slice(1)];
    assertEquals(ends.errors, [`protosocket.tests.v1.Conformance/${method}: a secret`]);
    assertEquals((await call(ends.client, kind, [{}])).error, undefined);
  });

  conformanceTest(`${kind}: a deadline that passes`, async ({ client, notes, errors }) => {
    for (let timeout = 50; !notes.all.includes(`${kind}: begun`); timeout *= 2) {
      const { error } = await call(client, kind, [{ hang: true }], { timeout });
      assertFailed(error, "deadline-exceeded");
      // A busy machine may not come to its handler in time. It does before that of the next call.
      const other = kind === "unary" ? "serverStream" : "unary";
      assertEquals((await call(client, other, [{ count: 1 }])).error, undefined);
    }
    // Whose clock was first is not known.
    await notes.until(`${kind}: signal: deadline-exceeded`, `${kind}: signal: cancelled`);
    assertEquals(errors, []);
  });

  conformanceTest(`${kind}: the handler sees the deadline`, async ({ client }) => {
    const { reports: [near] } = await call(client, kind, [{ count: 1 }], { timeout: 60_000 });
    assert(near!.timeLeft > 0 && near!.timeLeft <= 60_000, `${near!.timeLeft}`);
    const { reports: [none] } = await call(client, kind, [{ count: 1 }]);
    assertEquals(none!.timeLeft, 0);
  });

  conformanceTest(`${kind}: cancelled before it is sent`, async ({ client, notes }) => {
    const reason = new Error("changed my mind");
    const signal = AbortSignal.abort(reason);
    const { error } = await call(client, kind, [{}], { signal });
    assertStrictEquals(error, reason);
    assertEquals((await call(client, "unary", [{}])).error, undefined);
    assertEquals(notes.all.filter((note) => note.endsWith("begun")), ["unary: begun"]);
  });

  conformanceTest(
    `${kind}: cancelled before the first answer`,
    async ({ client, notes, errors }) => {
      const controller = new AbortController();
      const reason = new Error("changed my mind");
      const called = call(client, kind, [{ hang: true }], { signal: controller.signal });
      await notes.until(`${kind}: begun`);
      controller.abort(reason);
      assertStrictEquals((await called).error, reason);
      await notes.until(`${kind}: signal: cancelled`);
      assertEquals(errors, []);
    },
  );

  conformanceTest(`${kind}: a connection that breaks off`, async ({ client, notes, abort }) => {
    const called = call(client, kind, [{ hang: true }]);
    await notes.until(`${kind}: begun`);
    abort();
    const error = assertFailed((await called).error, "unavailable");
    assert(error.begun !== false, "a handler has seen it");
    // Its requests may have failed before it came to wait for its signal.
    await notes.until(`${kind}: signal: unavailable`, `${kind}: requests: 0`);
    const late = assertFailed((await call(client, kind, [{}])).error, "unavailable");
    assertEquals(late.begun, false);
  });
}

for (const [name, number] of Object.entries(STATUS_CODES).slice(1)) {
  conformanceTest(`a failure: ${name}`, async ({ client }) => {
    const { error } = await call(client, "unary", [{ failure: number, message: "on purpose" }]);
    assertEquals(assertFailed(error, name as ServiceErrorCode).message, "on purpose");
    assertEquals((error as ServiceError).number, number);
  });
}

for (
  const [kind, name] of [
    ["unary", "missing"],
    ["serverStream", "missingStream"],
    ["clientStream", "missingClientStream"],
    ["bidi", "missingBidi"],
  ] as const
) {
  conformanceTest(`${kind}: unimplemented`, async ({ client }) => {
    const missing = { [kind]: client[name] } as unknown as typeof client;
    const { error } = await call(missing, kind, [{}]);
    assertFailed(error, "unimplemented");
    assertEquals((await call(client, "unary", [{}])).error, undefined);
  });
}

for (const kind of STREAMS) {
  conformanceTest(`${kind}: a failure after two answers`, async ({ client }) => {
    const script = { ...BESIDE, count: 2, failure: 9, message: "enough" };
    const { reports, error, trailers } = await call(client, kind, [script]);
    assertEquals(reports.map(({ number }) => number), [0, 1]);
    assertEquals(assertFailed(error, "failed-precondition").message, "enough");
    assertEquals(pairs(trailers!), pairs(METADATA));
  });

  conformanceTest(`${kind}: a crash after two answers`, async ({ client, errors }) => {
    const { reports, error } = await call(client, kind, [{ count: 2, crash: true }]);
    assertEquals(reports.length, 2);
    assertFailed(error, "internal");
    assertEquals(errors.length, 1);
  });

  conformanceTest(`${kind}: trailers only`, async ({ client }) => {
    const { reports, error, metadata, trailers } = await call(client, kind, [BESIDE]);
    assertEquals([reports, error], [[], undefined]);
    assertEquals(pairs(metadata!), pairs(METADATA));
    assertEquals(pairs(trailers!), pairs(METADATA));
  });

  conformanceTest(`${kind}: left after two answers`, async ({ client, notes, errors }) => {
    const script: ScriptInit = { count: 2, hang: true };
    const stream = kind === "bidi" ? client.bidi([script]) : client.serverStream(script);
    let reports = 0;
    for await (const _ of stream) if (++reports === 2) break;
    await notes.until(`${kind}: signal: cancelled`);
    await notes.until(kind === "bidi" ? "bidi: requests: 1" : "serverStream: left");
    assertEquals(errors, []);
  });

  conformanceTest(`${kind}: cancelled after two answers`, async ({ client, notes }) => {
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const script: ScriptInit = { count: 2, hang: true };
    const stream = kind === "bidi"
      ? client.bidi([script], options)
      : client.serverStream(script, options);
    assertEquals((await stream.next()).value?.number, 0);
    assertEquals((await stream.next()).value?.number, 1);
    const reason = new Error("enough");
    controller.abort(reason);
    const ended = await outcome(stream.next());
    assertStrictEquals(ended.kind === "error" && ended.error, reason);
    await notes.until(`${kind}: signal: cancelled`);
  });

  conformanceTest(`${kind}: nobody reads it, and others go on`, async ({ client, notes }) => {
    const script = { count: 100_000, data: new Uint8Array(1000) };
    const unread = kind === "bidi" ? client.bidi([script]) : client.serverStream(script);
    assertEquals((await unread.next()).value?.number, 0);
    for (let i = 0; i < 10; i++) {
      assertEquals((await call(client, "unary", [{}])).error, undefined);
      const { reports } = await call(client, "serverStream", [{ count: 100 }]);
      assertEquals(reports.length, 100);
    }
    await unread.return?.();
    await notes.until(`${kind}: signal: cancelled`);
  });
}

conformanceTest("clientStream: all requests arrive, also none", async ({ client, notes }) => {
  for (const count of [0, 1, 2, 1000]) {
    const scripts = Array.from({ length: count }, () => ({ data: bytes("x") }));
    const { reports: [report], error } = await call(client, "clientStream", scripts);
    assertEquals([report?.requests, error], [count, undefined]);
    await notes.until(`clientStream: requests: ${count}`);
  }
});

conformanceTest("bidi: answers when it is asked (full duplex)", async ({ client }) => {
  const answered: number[] = [];
  async function* scripts() {
    for (let i = 0; i < 5; i++) {
      // It is asked for the next one only when the last was answered.
      assertEquals(answered.length, i);
      yield { count: 1 };
      await until(() => answered.length > i, () => `${answered.length} answers`);
    }
  }
  for await (const { number } of client.bidi(scripts())) answered.push(number);
  assertEquals(answered, [0, 1, 2, 3, 4]);
});

conformanceTest("bidi: answers after the half-close (half duplex)", async ({ client }) => {
  const scripts = [{}, {}, { count: 3 }];
  const { reports, error } = await call(client, "bidi", scripts);
  assertEquals([reports.map(({ requests }) => requests), error], [[3, 3, 3], undefined]);
});

/** Requests without end, and whether they were left. */
function endless(first: ScriptInit) {
  const seen = { asked: 0, left: false };
  async function* scripts() {
    try {
      yield first;
      for (;; seen.asked++) {
        yield {};
        await turn();
      }
    } finally {
      seen.left = true;
    }
  }
  return { seen, scripts: scripts() };
}

for (const kind of UPLOADS) {
  conformanceTest(`${kind}: a failure before the half-close`, async ({ client }) => {
    const { seen, scripts } = endless({ failure: 7, message: "not you" });
    const error = kind === "bidi"
      ? await outcome(client.bidi(scripts).next())
      : await outcome(client.clientStream(scripts));
    assert(error.kind === "error");
    assertFailed(error.error, "permission-denied");
    await until(() => seen.left, () => "its requests are left");
  });

  conformanceTest(
    `${kind}: requests that fail cancel the call`,
    async ({ client, notes, errors }) => {
      const reason = new Error("out of requests");
      async function* scripts() {
        yield {};
        await notes.until(`${kind}: begun`);
        throw reason;
      }
      const failed = kind === "bidi"
        ? await outcome(client.bidi(scripts()).next())
        : await outcome(client.clientStream(scripts()));
      assertStrictEquals(failed.kind === "error" && failed.error, reason);
      await notes.until(`${kind}: signal: cancelled`);
      assertEquals(errors, []);
    },
  );

  conformanceTest(`${kind}: cancelled between requests`, async ({ client, notes }) => {
    const { seen, scripts } = endless({});
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const called = kind === "bidi"
      ? outcome(client.bidi(scripts, options).next())
      : outcome(client.clientStream(scripts, options));
    await until(() => seen.asked > 2, () => `${seen.asked} requests`);
    controller.abort(new Error("enough"));
    const ended = await called;
    assertStrictEquals(ended.kind === "error" && ended.error, controller.signal.reason);
    await notes.until(`${kind}: signal: cancelled`);
    await until(() => seen.left, () => "its requests are left");
  });

  conformanceTest(`${kind}: a handler that does not read stops only its client`, async (ends) => {
    const { client, notes } = ends;
    let given = 0;
    function* scripts() {
      yield { hang: true };
      for (; given < 100_000; given++) yield { data: new Uint8Array(1000) };
    }
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const called = kind === "bidi"
      ? outcome(client.bidi(scripts(), options).next())
      : outcome(client.clientStream(scripts(), options));
    await notes.until(`${kind}: begun`);
    for (let i = 0; i < 10; i++) {
      assertEquals((await call(client, "unary", [{}])).error, undefined);
    }
    assert(given < 100_000, "all has been sent");
    controller.abort();
    await called;
    await notes.until(`${kind}: signal: cancelled`);
  });
}

conformanceTest("clientStream: an answer before the half-close", async ({ client }) => {
  const { reports: [report], error } = await call(client, "clientStream", [{ count: 1 }, {}, {}]);
  assertEquals([report?.requests, error], [1, undefined]);
});

conformanceTest("metadata up to its bounds arrives, more fails the call alone", async (ends) => {
  const { client } = ends;
  const of = (length: number) => ({ metadata: { key: "x".repeat(length) } });
  const most = 16 * 1024 - "key".length;
  const { reports: [report], error } = await call(client, "unary", [{}], of(most));
  assertEquals([report?.metadata[0]?.value.length, error], [most, undefined]);
  assertFailed((await call(client, "unary", [{}], of(most + 1))).error, "resource-exhausted");

  const pair = { key: "key", value: new Uint8Array(most + 1) };
  for (const kind of KINDS) {
    const beside = { metadata: [pair], trailers: [], count: 1 };
    assertFailed((await call(client, kind, [beside])).error, "resource-exhausted");
    const after = { metadata: [], trailers: [pair], count: 1 };
    assertFailed((await call(client, kind, [after])).error, "resource-exhausted");
  }
  assertEquals((await call(client, "unary", [{}])).error, undefined);
});
