// A client that meets something else than a TLS server, or none that answers.
import { assert, assertMatch, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import type { SocketDuplex, TransportErrorCode } from "../../mod.ts";
import { End } from "../support/end.ts";
import { assertFails, connect, listen, trusting } from "../support/tls.ts";
import { soon } from "../support/within.ts";

/** A server that speaks plain text, and how a client finds out. */
const PLAIN: Record<string, [server: (end: End) => Promise<unknown>, code: TransportErrorCode]> = {
  "answers with text": [
    (end) => end.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n")),
    "tls",
  ],
  "sends back what it gets": [
    async (end) => end.write((await soon(end.reader.read(), "a greeting")).value!),
    "tls",
  ],
  "speaks first": [(end) => end.write(new TextEncoder().encode("220 hello\r\n")), "tls"],
  "ends": [(end) => end.close(), "tls"],
  "breaks off": [
    async (end) => {
      await soon(end.reader.read(), "a greeting");
      await end.abort();
    },
    "tls",
  ],
};

for (const [what, [answer, code]] of Object.entries(PLAIN)) {
  test(`TLS client: a server that ${what} is an error`, async () => {
    await using listener = await listen({ port: 0 });
    const { address } = listener;
    assert(address.transport === "tcp");
    const served = answerAll(listener, answer);
    const connecting = connect({ port: address.port, tls: trusting });
    const error = await assertFails(connecting, code);
    assertMatch(error.message, /^Cannot connect to 127\.0\.0\.1:\d+ with TLS: /);
    await listener.close();
    await served;
  });
}

test("TLS client: a silent server times out", async () => {
  await using listener = await listen({ port: 0 });
  const { port } = listener.address as { port: number };
  const tls = { ...trusting, handshakeTimeout: 50 };
  const error = await assertFails(connect({ port, tls }), "timed-out");
  assertMatch(error.message, /50 ms/);
  // The connection is gone, too.
  for await (const duplex of listener) {
    const end = new End(duplex);
    await end.readAll().catch(() => {});
    end.drop();
    break;
  }
});

test("TLS client: a signal aborts a handshake", async () => {
  await using listener = await listen({ port: 0 });
  const { port } = listener.address as { port: number };
  const controller = new AbortController();
  const connecting = connect({ port, tls: trusting, signal: controller.signal });
  connecting.catch(() => {});
  for await (const duplex of listener) {
    const end = new End(duplex);
    // The greeting has come: the handshake is under way.
    await soon(end.reader.read(), "a greeting");
    const reason = new Error("changed my mind");
    controller.abort(reason);
    assertStrictEquals((await assertFails(connecting, "aborted")).cause, reason);
    await end.readAll().catch(() => {});
    end.drop();
    break;
  }
});

test("TLS client: a port without a listener is refused, not a TLS error", async () => {
  const listener = await listen({ port: 0 });
  const { port } = listener.address as { port: number };
  await listener.close();
  await assertFails(connect({ port, tls: trusting }), "refused");
});

async function answerAll(
  listener: AsyncIterable<SocketDuplex>,
  answer: (end: End) => Promise<unknown>,
): Promise<void> {
  for await (const duplex of listener) {
    const end = new End(duplex);
    await answer(end).catch(() => {});
    await end.readAll().catch(() => {});
    end.drop();
  }
}
