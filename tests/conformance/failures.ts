import { existsSync, linkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { type Listener, TransportError, type TransportErrorCode } from "../../mod.ts";
import { End } from "../support/end.ts";
import { outcome, soon } from "../support/within.ts";
import { accept, directory, type SocketAdapter, spot, toReach } from "./sockets.ts";

/** What cannot be reached or taken fails with the same code on every runtime. */
export function failureCases(adapter: SocketAdapter): void {
  const { connect, listen } = adapter;

  function failure(name: string, run: () => Promise<void>, gap?: string): void {
    test(`${adapter.name}, failures: ${name}`, gap === undefined ? {} : { skip: gap }, run);
  }

  failure("a port that is in use", async () => {
    await using listener = await listen({ port: 0 });
    await assertFails(listen(toReach(listener)), "address-in-use");
  });

  failure("a path that is in use, by a listener or by a file", async () => {
    using place = directory();
    const path = join(place.path, "socket");
    await using listener = await listen({ path });
    await assertFails(listen(toReach(listener)), "address-in-use");
    assert(existsSync(path), "the file of the first listener is gone");
    const file = join(place.path, "file");
    writeFileSync(file, "");
    await assertFails(listen({ path: file }), "address-in-use");
    assert(existsSync(file), "somebody else's file is gone");
  }, adapter.gaps.unix.missing);

  failure("a port that nobody listens at", async () => {
    const listener = await listen({ port: 0 });
    await listener.close();
    await assertFails(connect(toReach(listener)), "refused");
    await assertFails(connect({ ...toReach(listener), hostname: "localhost" }), "refused");
  });

  failure("a path whose listener has died", async () => {
    using place = directory();
    const path = join(place.path, "socket");
    const stale = join(place.path, "stale");
    const listener = await listen({ path });
    linkSync(path, stale);
    await listener.close();
    await assertFails(connect({ path: stale }), "refused");
    await assertFails(listen({ path: stale }), "address-in-use");
  }, adapter.gaps.unix.missing);

  failure("a path that does not exist", async () => {
    using place = directory();
    await assertFails(connect({ path: join(place.path, "socket") }), "not-found");
    await assertFails(connect({ path: join(place.path, "no", "socket") }), "not-found");
    await assertFails(listen({ path: join(place.path, "no", "socket") }), "not-found");
  }, adapter.gaps.unix.missing);

  failure("a host to connect to that is unknown", async () => {
    // RFC 2606 keeps this name from ever being one.
    await assertFails(connect({ hostname: "nonexistent.invalid", port: 9 }), "not-found");
    await assertFails(connect({ hostname: "no host", port: 9 }), "not-found");
    await assertFails(connect({ hostname: "256.1.1.1", port: 9 }), "not-found");
  });

  failure("a host to listen on that is unknown, or not this one", async () => {
    await assertFails(listen({ hostname: "nonexistent.invalid", port: 0 }), "not-found");
    // RFC 5737 keeps this address for documentation.
    await assertFails(listen({ hostname: "192.0.2.1", port: 0 }), "address-unavailable");
  }, adapter.gaps.tcp.listenHost);

  failure("a signal that has fired", async () => {
    await using listener = await listen({ port: 0 });
    const reason = new Error("too late");
    const connecting = connect({ ...toReach(listener), signal: AbortSignal.abort(reason) });
    const error = await assertFails(connecting, "aborted");
    assertEquals(error.cause, reason);
  });

  for (const kind of ["tcp", "unix"] as const) {
    failure(`a signal that fires while connecting, ${kind}`, async () => {
      using place = spot(kind);
      await using listener = await listen(place.options);
      const target = toReach(listener);
      for (
        const options of kind === "tcp" ? [target, { ...target, hostname: "localhost" }] : [target]
      ) {
        const controller = new AbortController();
        const connecting = connect({ ...options, signal: controller.signal });
        const reason = { why: "changed my mind" };
        controller.abort(reason);
        const error = await assertFails(connecting, "aborted");
        assertEquals(error.cause, reason);
      }
      await nobodyStays(listener, connect);
    }, adapter.gaps[kind].missing);
  }

  failure("nothing, from a signal that fires once connected", async () => {
    await using listener = await listen({ port: 0 });
    const controller = new AbortController();
    const connecting = connect({ ...toReach(listener), signal: controller.signal });
    const client = await soon(connecting, "a connection");
    controller.abort();
    for await (const server of listener) {
      const writer = server.writable.getWriter();
      await writer.write(new Uint8Array([1]));
      const { value } = await soon(client.readable.getReader().read(), "a byte");
      assertEquals(value, new Uint8Array([1]));
      await writer.abort();
      break;
    }
    await client.writable.abort();
  });

  failure("nothing, from localhost", async () => {
    await using listener = await listen({ port: 0, hostname: "localhost" });
    assert(listener.address.transport === "tcp");
    assert(["127.0.0.1", "::1"].includes(listener.address.hostname), listener.address.hostname);
    const { port } = listener.address;
    const client = await soon(connect({ port, hostname: "localhost" }), "a connection");
    await client.writable.abort();
  });
}

/** Whatever was accepted before a new connection has ended. */
async function nobodyStays(
  listener: Listener,
  connect: SocketAdapter["connect"],
): Promise<void> {
  const client = new End(await soon(connect(toReach(listener)), "a connection"));
  await client.write(new Uint8Array([1]));
  for (;;) {
    const end = new End(await accept(listener));
    const read = await soon(outcome(end.reader.read()), "the end of an aborted connection");
    end.drop();
    if (read.kind === "value" && !read.value.done) break;
  }
  client.drop();
}

/** The platform's own error is the cause, but of an abort it is the caller's reason. */
async function assertFails(
  promise: Promise<unknown>,
  code: TransportErrorCode,
): Promise<TransportError> {
  const result = await soon(outcome(promise), `a failure, ${code}`);
  assertEquals(result.kind, "error", "it succeeded");
  const { error } = result as { error: unknown };
  assertInstanceOf(error, TransportError);
  assertEquals(error.code, code, error.message);
  assert(error.cause, "it has no cause");
  return error;
}
