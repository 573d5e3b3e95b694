// The limits of a server's connections, in memory.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { Connection, type ConnectionConfig, duplexPair, serve } from "@protosocket/protosocket";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { Admission } from "../../src/server/_admission.ts";
import { codeOf } from "../support/connections.ts";
import { countTimers } from "../support/count_timers.ts";
import { End } from "../support/end.ts";
import { memoryListener } from "../support/memory_listener.ts";
import { deferred, soon, turn } from "../support/within.ts";

function open(config: Partial<ConnectionConfig<Uint8Array>>) {
  const [here, there] = duplexPair();
  const connection = new Connection<Uint8Array>(here, {
    codec: lengthDelimited(),
    reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
    ...config,
  });
  return { connection, end: new End(there) };
}

test("limits: each message has a time limit, and the error names the option", async () => {
  for (const option of ["firstMessageTimeout", "messageTimeout"]) {
    const { connection, end } = open({ [option]: 20 });
    if (option === "messageTimeout") await end.write(Uint8Array.of(1, 7, 2, 7));
    const reason = await soon(connection.closed, "the time-out");
    assertEquals(codeOf(reason), "message-timeout");
    assert(reason.kind === "error" && reason.error.message.includes(`${option}, 20 ms`));
  }
});

test("limits: time in which the reactor does not read does not count", async () => {
  const [began, working] = [deferred(), deferred()];
  const { connection, end } = open({
    messageTimeout: 20,
    reactor: () => ({ onInboundMessage: () => (began.resolve(), working.promise) }),
  });
  // Batches that wait keep the decoder from the rest of the third message, which has come.
  end.writer.write(Uint8Array.of(1, 7)).catch(() => {});
  end.writer.write(Uint8Array.of(1, 7, 2)).catch(() => {});
  end.writer.write(Uint8Array.of(7, 7, 2, 7)).catch(() => {});
  await soon(began.promise, "the first message");
  await new Promise((resolve) => setTimeout(resolve, 100));
  let closed = false;
  connection.closed.then(() => closed = true);
  await Promise.resolve();
  assertEquals(closed, false);
  working.resolve();
  assertEquals(codeOf(await soon(connection.closed, "the time-out")), "message-timeout");
});

test("limits: a peer that does not read has writeTimeout for each 64 KiB", async () => {
  for (const [count, least] of [[4, 20], [40, 200]] as const) {
    const { connection } = open({ writeTimeout: 20 });
    const begun = performance.now();
    connection.sender.trySend(new Uint8Array(count * 64 * 1024));
    connection.sender.trySend(new Uint8Array(1));
    const reason = await soon(connection.closed, "the time-out");
    assertEquals(codeOf(reason), "write-timeout");
    assert(reason.kind === "error" && reason.error.message.includes("writeTimeout, 20 ms"));
    assert(performance.now() - begun >= least, `too soon for ${count} times 64 KiB`);
  }
});

test("limits: a large write has no timer longer than writeTimeout, which may be the longest", async () => {
  const { started } = await countTimers(async () => {
    const { connection } = open({ writeTimeout: 20 });
    connection.sender.trySend(new Uint8Array(10 * 64 * 1024));
    await connection.closed;
  });
  assert(started.length > 1);
  assertEquals(started.filter((ms) => ms > 20), []);
});

test("limits: writeTimeout does not end a peer that reads on", async () => {
  const { connection, end } = open({
    writeTimeout: 50,
    reactor: () => ({ onInboundMessage() {} }),
  });
  let sent = 0;
  const sending = (async () => {
    for (; sent < 100; sent++) await connection.sender.send(new Uint8Array(16 * 1024));
    connection.close();
  })();
  while (!(await end.reader.read()).done) await turn();
  await sending;
  end.drop();
  assertEquals([sent, (await connection.closed).kind], [100, "local"]);
});

for (const option of ["idleTimeout", "firstMessageTimeout", "messageTimeout"]) {
  test(`limits: ${option} does not end a peer that has half-closed and waits for its response`, async () => {
    const answer = deferred();
    const { connection, end } = open({
      [option]: 20,
      reactor: (sender) => ({
        onInboundMessage: () => {},
        onInboundEnd: () => answer.promise.then(() => sender.send(Uint8Array.of(9))),
      }),
    });
    await end.write(Uint8Array.of(1, 7));
    await end.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    answer.resolve();
    assertEquals(await end.readAll(), Uint8Array.of(1, 9));
    assertEquals(await soon(connection.closed, "the end"), { kind: "peer" });
  });
}

test("limits: a thousand messages in halves take one timer, which is not left behind", async () => {
  const inHalves = (timeout: number) => async () => {
    const { connection, end } = open({ firstMessageTimeout: timeout, messageTimeout: timeout });
    await end.writer.write(Uint8Array.of(1));
    for (let i = 0; i < 1000; i++) {
      await end.writer.write(Uint8Array.of(7, 1));
      await end.reader.read();
    }
    connection.abort();
    await connection.closed;
  };
  const unbounded = await countTimers(inHalves(0));
  const { started, left } = await countTimers(inHalves(60_000));
  const more = started.length - unbounded.started.length;
  assertEquals([more <= 2, left], [true, []], `${more} timers more, ${left.length} left`);
});

test("limits: values out of range are refused by name", () => {
  for (const option of ["firstMessageTimeout", "messageTimeout"]) {
    for (const value of [-1, 0.5, NaN, 2 ** 31]) {
      assertThrows(() => open({ [option]: value }), RangeError, option);
    }
  }
  const connector = () => ({
    codec: lengthDelimited(),
    reactor: () => ({ onInboundMessage: () => {} }),
  });
  for (const option of ["maxConnections", "maxConnectionsPerAddress"]) {
    for (const value of [0, -1, 0.5, NaN, 2 ** 31]) {
      const listener = memoryListener();
      assertThrows(() => serve(listener, connector, { [option]: value }), RangeError, option);
    }
  }
});

for (const option of ["maxConnections", "maxConnectionsPerAddress"]) {
  test(`limits: a connection that ends makes room under ${option} for the next`, async () => {
    const listener = memoryListener();
    const refused: unknown[] = [];
    await using server = serve(listener, () => ({
      codec: lengthDelimited(),
      reactor: (sender) => ({ onInboundMessage: (message: Uint8Array) => sender.send(message) }),
    }), {
      [option]: 1,
      onConnectError: (error) => refused.push((error as { code: string }).code),
    });
    const first = new End(listener.dial(1));
    await first.write(Uint8Array.of(0));
    await first.readExactly(1);
    await new End(listener.dial(2)).broken();
    assertEquals([server.connections.size, server.refused, refused], [1, 1, [
      "too-many-connections",
    ]]);
    await first.close();
    await first.readAll();
    await turn();
    const third = new End(listener.dial(3));
    await third.write(Uint8Array.of(0));
    assertEquals(await third.readExactly(1), Uint8Array.of(0));
    third.drop();
  });
}

test("limits: which addresses count as one", () => {
  const same: [string, string, boolean][] = [
    ["10.0.0.1", "::ffff:10.0.0.1", true],
    ["10.0.0.1", "10.0.0.2", false],
    ["2001:db8:0:1::1", "2001:DB8:0:1:ffff:ffff:ffff:ffff", true],
    ["2001:db8::1", "2001:0db8:0:0:1::", true],
    ["2001:db8:0:1::1", "2001:db8:0:2::1", false],
    ["::1", "0:0:0:0:0:0:0:1", true],
    ["fe80::1%eth0", "fe80::2%eth1", true],
  ];
  for (const [one, other, alike] of same) {
    const admission = new Admission({ maxConnections: 10, maxConnectionsPerAddress: 1 });
    const enter = (hostname: string) => admission.enter({ transport: "tcp", hostname, port: 1 });
    assertEquals(enter(one), undefined);
    assertEquals(enter(other) !== undefined, alike, `${one} and ${other}`);
    admission.leave({ transport: "tcp", hostname: one, port: 2 });
    if (alike) assertEquals(enter(other), undefined);
  }
  const admission = new Admission({ maxConnections: 2, maxConnectionsPerAddress: 1 });
  const unix = { transport: "unix", path: "" } as const;
  assertEquals([admission.enter(unix), admission.enter(undefined)], [undefined, undefined]);
  assertEquals(admission.enter(unix)?.code, "too-many-connections");
});
