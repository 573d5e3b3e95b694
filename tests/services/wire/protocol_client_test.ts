// A client on the wire, with a server that was written from the protocol's page.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  createClient,
  type ServiceCallOptions,
  serviceClient,
} from "@protosocket/protosocket/services";
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { sockets } from "../../../examples/support/sockets.ts";
import { ReportSchema, ScriptSchema } from "../../support/proto/gen/conformance_pb.ts";
import type { Request } from "../../support/proto/gen/services_pb.ts";
import { outcome, soon, turn, until } from "../../support/within.ts";
import { assertFailed, type ConformanceClient } from "../conformance_ends.ts";
import { Conformance } from "../conformance_service.ts";
import {
  CANCEL,
  END,
  HALF_CLOSE,
  ITEM,
  NORMAL,
  RESERVED,
  STREAMS,
  wireListener,
  type WireServer,
} from "./peer.ts";

const report = (number: number) => toBinary(ReportSchema, create(ReportSchema, { number }));

/** Registers a test with a connection of its own. */
function clientTest(
  name: string,
  run: (client: ConformanceClient, server: WireServer) => Promise<void>,
): void {
  test(`services client on the wire: ${name}`, async () => {
    const { connect } = await sockets();
    await using listener = await wireListener();
    const [duplex, server] = await Promise.all([
      connect({ port: listener.port }),
      listener.accept(),
    ]);
    await using _server = server;
    await using rpc = serviceClient(duplex);
    await soon(run(createClient(Conformance, rpc), server), name);
  });
}

/** The next message that begins an RPC. */
function begun(server: WireServer): Promise<Request> {
  return server.take("a request", ({ code }) => code === NORMAL);
}

const of = (id: bigint) => (message: { id: bigint }) => message.id === id;

/** Answers an RPC with a report. */
function answer(server: WireServer, { id }: Request, number = 1): Promise<void> {
  return server.send({ id, payload: report(number) });
}

clientTest("what a request has", async (client, server) => {
  const options: ServiceCallOptions = {
    timeout: 5000,
    metadata: { text: "ü", bin: Uint8Array.of(255, 0) },
  };
  const called = client.unary({ count: 7 }, options);
  const request = await begun(server);
  assertEquals(
    [request.method, request.stream, request.encoding],
    ["protosocket.tests.v1.Conformance/Unary", false, 0],
  );
  assert(request.id < 2n ** 51n);
  assert(request.timeoutUs > 0n && request.timeoutUs <= 5_000_000n, `${request.timeoutUs} µs`);
  assertEquals(
    request.metadata.map(({ key, value }) => [key, ...value]),
    [["text", 0xc3, 0xbc], ["bin", 255, 0]],
  );
  assertEquals(fromBinary(ScriptSchema, request.payload).count, 7);
  await answer(server, request, 3);
  assertEquals((await called).number, 3);
});

clientTest("streams have odd ids once it has announced itself", async (client, server) => {
  const called = outcome(client.serverStream({}).next());
  const hello = await server.take("the window", ({ code }) => code === END);
  assert(hello.id > RESERVED && hello.id < STREAMS, `${hello.id}`);
  const request = await begun(server);
  assertEquals(request.id % 2n, 1n);
  await answer(server, request);
  await called;
  const unary = client.unary({});
  const other = await begun(server);
  assertEquals(other.id % 2n, 0n);
  await answer(server, other);
  await unary;
});

clientTest("a cancel is cancelled, unless it says otherwise", async (client, server) => {
  const bare = outcome(client.unary({}));
  await server.send({ id: (await begun(server)).id, code: CANCEL });
  const first = await bare;
  assertFailed(first.kind === "error" && first.error, "cancelled");

  const refused = outcome(client.unary({}));
  const status = { code: 14, message: "elsewhere" };
  await server.send({ id: (await begun(server)).id, code: CANCEL, status, unbegun: true });
  const second = await refused;
  const error = assertFailed(second.kind === "error" && second.error, "unavailable");
  assertEquals([error.message, error.begun], ["elsewhere", false]);

  const stream = outcome(client.serverStream({}).next());
  await server.send({ id: (await begun(server)).id, code: CANCEL });
  const third = await stream;
  assertFailed(third.kind === "error" && third.error, "cancelled");
});

clientTest("failures, with a code that it knows or not", async (client, server) => {
  for (const [code, name] of [[5, "not-found"], [99, "unknown"], [-1, "unknown"]] as const) {
    const called = outcome(client.unary({}));
    const { id } = await begun(server);
    const details = [{ typeUrl: "type.googleapis.com/x.Y", value: Uint8Array.of(1) }];
    const trailers = [{ key: "a", value: Uint8Array.of(65) }];
    await server.send({ id, status: { code, message: "why", details }, trailers });
    const ended = await called;
    const error = assertFailed(ended.kind === "error" && ended.error, name);
    assertEquals(error.details.map(({ typeUrl, value }) => [typeUrl, ...value]), [
      ["type.googleapis.com/x.Y", 1],
    ]);
    assertEquals(error.metadata?.get("a"), "A");
  }
});

clientTest("streams end with an end, or with a status", async (client, server) => {
  const done = client.serverStream({});
  const first = done.next();
  const { id } = await begun(server);
  await server.send({ id, payload: report(0) }, { id, code: END }, { id, payload: report(1) });
  assertEquals((await first).value?.number, 0);
  assertEquals((await done.next()).done, true);

  const failed = client.serverStream({});
  const item = failed.next();
  const request = await begun(server);
  // The status counts, also if the end never comes.
  const status = { code: 10, message: "no more" };
  await server.send({ id: request.id, payload: report(0) }, { id: request.id, status });
  assertEquals((await item).value?.number, 0);
  const ended = await outcome(failed.next());
  assertFailed(ended.kind === "error" && ended.error, "aborted");
});

clientTest("trailers of a stream that succeeds", async (client, server) => {
  const got: (string | undefined)[] = [];
  const options: ServiceCallOptions = {
    onMetadata: (metadata) => got.push(metadata.get("m")),
    onTrailers: (trailers) => got.push(trailers.get("t")),
  };
  const stream = client.serverStream({}, options);
  const next = stream.next();
  const { id } = await begun(server);
  const entry = (key: string) => [{ key, value: Uint8Array.of(65) }];
  await server.send({ id, status: {}, metadata: entry("m"), trailers: entry("t") });
  await server.send({ id, code: END });
  assertEquals((await next).done, true);
  assertEquals(got, ["A", "A"]);
});

clientTest("an answer that is none fails the call alone", async (client, server) => {
  const garbage = Uint8Array.of(0xff);
  const unary = outcome(client.unary({}));
  await server.send({ id: (await begun(server)).id, payload: garbage });
  const first = await unary;
  assertFailed(first.kind === "error" && first.error, "internal");

  const stream = outcome(client.serverStream({}).next());
  await server.send({ id: (await begun(server)).id, payload: garbage });
  const second = await stream;
  assertFailed(second.kind === "error" && second.error, "internal");

  const huge = outcome(client.unary({}));
  const metadata = [{ key: "a", value: new Uint8Array(16 * 1024) }];
  await server.send({ id: (await begun(server)).id, metadata });
  const third = await huge;
  assertFailed(third.kind === "error" && third.error, "resource-exhausted");

  const last = client.unary({});
  await answer(server, await begun(server));
  assertEquals((await last).number, 1);
});

clientTest("a second answer, and what comes after a cancel, is dropped", async (client, server) => {
  const controller = new AbortController();
  const given = outcome(client.unary({}, { signal: controller.signal }));
  const first = await begun(server);
  controller.abort();
  await given;
  await server.take("a cancel", ({ id, code }) => id === first.id && code === CANCEL);
  await answer(server, first);

  const second = client.unary({});
  const request = await begun(server);
  await answer(server, request, 2);
  await answer(server, request, 3);
  assertEquals((await second).number, 2);
  const third = client.unary({});
  await answer(server, await begun(server), 4);
  assertEquals((await third).number, 4);
});

clientTest("a deadline cancels", async (client, server) => {
  const called = outcome(client.unary({}, { timeout: 20 }));
  const { id } = await begun(server);
  const ended = await called;
  assertFailed(ended.kind === "error" && ended.error, "deadline-exceeded");
  await server.take("a cancel", (message) => message.id === id && message.code === CANCEL);
});

clientTest("a connection that ends in the middle", async (client, server) => {
  const stream = client.serverStream({});
  const next = stream.next();
  await answer(server, await begun(server));
  await next;
  const unary = outcome(client.unary({}));
  await begun(server);
  await server.connection.close();
  for (const ended of [await unary, await outcome(stream.next())]) {
    const error = assertFailed(ended.kind === "error" && ended.error, "unavailable");
    assert(error.begun !== false);
  }
});

/** Answers the question whether it takes streams of requests. */
async function takesStreams(server: WireServer, window = 1024n): Promise<void> {
  await server.take("the question", of(STREAMS));
  await server.send({ id: STREAMS + window, code: END });
}

clientTest("items follow the credit", async (client, server) => {
  const called = client.clientStream([{ count: 1 }, { count: 2 }]);
  await takesStreams(server);
  const { id, stream, payload } = await begun(server);
  assertEquals([stream, payload.length], [true, 0]);
  // Nothing but what was taken has come: it waits.
  const early = server.received.filter((message) => message.id >= HALF_CLOSE);
  assertEquals(early, []);
  await server.send({ id: ITEM + id, code: END });
  for (const count of [1, 2]) {
    const item = await server.take("an item", of(ITEM + id));
    assertEquals([item.code, fromBinary(ScriptSchema, item.payload).count], [END, count]);
  }
  assertEquals((await server.take("the half-close", of(HALF_CLOSE + id))).code, END);
  await server.send({ id, payload: report(5) });
  assertEquals((await called).number, 5);
});

clientTest("items wait for more credit", async (client, server) => {
  const data = new Uint8Array(100);
  const called = client.clientStream(Array.from({ length: 20 }, () => ({ data })));
  await takesStreams(server, 400n);
  const { id } = await begun(server);
  let credits = 0;
  for (let items = 0; items < 20; items++) {
    // More than 100 bytes and 64 for each: no more than the credit, but for the last.
    while (server.received.every((message) => message.id !== ITEM + id)) {
      await server.send({ id: ITEM + id, code: END });
      credits += credits === 0 ? 400 : 200;
      await server.take("an item", (message) => message.id === ITEM + id).then((item) =>
        server.received.unshift(item)
      );
    }
    await server.take("an item", of(ITEM + id));
    assert(items * 164 < credits, `${items} items with a credit of ${credits}`);
  }
  await server.send({ id, payload: report(1) });
  await called;
});

clientTest("no more items are wanted", async (client, server) => {
  let left = false;
  async function* endless() {
    try {
      for (;;) {
        yield {};
        await turn();
      }
    } finally {
      left = true;
    }
  }
  const called = client.clientStream(endless());
  await takesStreams(server);
  const { id } = await begun(server);
  await server.send({ id: ITEM + id, code: END });
  await server.take("an item", of(ITEM + id));
  await server.send({ id: HALF_CLOSE + id, code: END });
  await until(() => left, () => "its requests are left");
  await server.send({ id, payload: report(9) });
  assertEquals((await called).number, 9);
});

clientTest("a server that knows no streams of requests", async (client, server) => {
  const called = outcome(client.clientStream([{}, {}]));
  const { id } = await begun(server);
  await server.send({ id, status: { code: 12, message: "not here" } });
  const ended = await called;
  assertFailed(ended.kind === "error" && ended.error, "unimplemented");

  const stream = outcome(client.bidi([{}]).next());
  const request = await begun(server);
  // An item before the answer to the question: it takes the call for another kind.
  await answer(server, request);
  const second = await stream;
  assertFailed(second.kind === "error" && second.error, "unimplemented");
  await server.take("a cancel", ({ id, code }) => id === request.id && code === CANCEL);
  assertEquals(server.received.filter(({ id }) => id >= HALF_CLOSE), []);
});
