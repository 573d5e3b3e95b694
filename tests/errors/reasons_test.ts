// What ended a connection is said, in one line, by the errors of all that needed it.
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { test } from "node:test";
import { Connection, ConnectionError, TransportError } from "@protosocket/protosocket";
import { RpcClient, RpcError, RpcPool } from "@protosocket/protosocket/rpc";
import { createClient, serviceClient, ServiceError } from "@protosocket/protosocket/services";
import { End } from "../support/end.ts";
import { framesCodec } from "../support/framing.ts";
import { jsonCodec, type Message, messages, normal } from "../support/rpc.ts";
import { outcome, soon, until } from "../support/within.ts";
import { because } from "../../src/reason.ts";
import { Prices } from "../services/support.ts";
import { errorOf, pairFrom } from "./support.ts";

const garbage = new Uint8Array(64).fill(255);

/** Ways for a connection to end, and what each is called. */
const ENDS: readonly [says: RegExp, how: (end: End) => void, options?: { writeTimeout: number }][] =
  [
    [/^The connection is closed: .*(reset|broke)/, (end) => end.drop()],
    [/^The connection is closed: .* bytes/, (end) => void outcome(end.writer.write(garbage))],
    [/^The connection is closed: .*writeTimeout, 10 ms/, () => {}, { writeTimeout: 10 }],
  ];

/** Whether that is said in one line, and the cause is what says it. */
function checkReason(error: Error, says: RegExp): void {
  assert(says.test(error.message) && !error.message.includes("\n"), error.message);
  let cause: unknown = error;
  while (cause instanceof RpcError || cause instanceof ServiceError) cause = cause.cause;
  assert(cause instanceof ConnectionError || cause instanceof TransportError, String(cause));
}

for (const [says, how, options = {}] of ENDS) {
  test(`RpcError connection-closed says the reason: ${says.source}`, async () => {
    const [here, there] = pairFrom();
    const client = new RpcClient<Message, Message>(here, {
      codec: jsonCodec(),
      messages,
      ...options,
    });
    const pool = new RpcPool({
      endpoints: ["a"],
      slots: 1,
      connect: () => Promise.resolve(client),
    });
    const body = "x".repeat(200_000);
    // First, as what was not sent would be made elsewhere.
    const pooled = errorOf(pool.unary(normal(0, "")), "a failure");
    await until(() => client.inFlight > 0, () => "the pool's call");
    const calls = [
      client.unary(normal(0, body)),
      client.streaming(normal(0, body)).next(),
    ].map((call) => errorOf(call, "a failure"));
    how(new End(there));
    const failed = await soon(Promise.all([pooled, ...calls]), "the failures");
    failed.push(await errorOf(client.unary(normal(0, "")), "a call after it"));
    for (const error of failed) {
      assertInstanceOf(error, RpcError);
      assertEquals(error.code, "connection-closed");
      checkReason(error, says);
    }
    await pool.close();
  });

  test(`ServiceError unavailable says the reason: ${says.source}`, async () => {
    const [here, there] = pairFrom();
    const prices = createClient(Prices, serviceClient(here, options));
    const symbol = "x".repeat(200_000);
    const calls = [prices.getQuote({ symbol }), prices.watchQuotes({ symbol }).next()]
      .map((call) => errorOf(call, "a failure"));
    how(new End(there));
    for (const error of await soon(Promise.all(calls), "the failures")) {
      assertInstanceOf(error, ServiceError);
      assertEquals(error.code, "unavailable");
      checkReason(error, says);
    }
  });
}

test("ConnectionError closed says the reason, in one line, as far as there is one", async () => {
  const reactor = () => ({
    onInboundMessage() {
      throw new Error("oh\n  no");
    },
  });
  const [here, there] = pairFrom();
  const connection = new Connection<number[]>(here, { codec: framesCodec(), reactor });
  outcome(new End(there).writer.write(new Uint8Array([1, 1])));
  const reason = await soon(connection.closed, "the end");
  const error = await errorOf(connection.sender.send([1]), "a send");
  assert(reason.kind === "error" && error instanceof ConnectionError);
  assertEquals(reason.error.message, "The reactor threw: oh   no");
  assertEquals(error.message, "Cannot send: the connection is closed: The reactor threw: oh   no");
  assertEquals(error.cause, reason.error);

  const other = new Connection<number[]>(pairFrom()[0], { codec: framesCodec(), reactor });
  other.close();
  const { message } = await errorOf(other.sender.send([1]), "a send") as Error;
  assertEquals(message, "Cannot send: the connection is closed");
});

test("what is thrown, also without a message, or with one that cannot be read, has a reason", () => {
  const unreadable = { toString: () => assert(false) };
  assertEquals(because("It failed", new AggregateError([])), "It failed: AggregateError");
  assertEquals(because("It failed", "so\r\nwhat"), "It failed: so what");
  assertEquals(because("It failed", null), "It failed: null");
  assertEquals(
    because("It failed", unreadable),
    "It failed: something that is not an error was thrown",
  );
  assertEquals(because("It failed", undefined), "It failed");
});
