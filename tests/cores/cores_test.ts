import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { test } from "node:test";
import { TransportError } from "@protosocket/protosocket";
import { connect } from "@protosocket/protosocket/node";
import { body } from "../support/rpc.ts";
import { outcome, soon } from "../support/within.ts";
import { ask, dial, portOf, serveOnTwo, workers } from "./support.ts";

test("cores: connections are spread over the workers", async () => {
  await using server = await serveOnTwo();
  assertEquals(server.cores, 2);
  assertEquals((await workers(portOf(server), 2)).size, 2);
});

test("cores: every worker is given the data", async () => {
  await using server = await serveOnTwo({ told: new Map([["one", 1]]) });
  await using client = await dial(portOf(server));
  assertEquals(await ask(client, "told"), [["one", 1]]);
});

test("cores: close() answers what is in flight, in every worker", async () => {
  const server = await serveOnTwo();
  const port = portOf(server);
  const clients = await Promise.all(Array.from({ length: 8 }, () => dial(port)));
  const answers = clients.map((client) => ask(client, "slow"));
  // Their requests have arrived when later ones are answered.
  for (const client of clients) await ask(client, "who");
  const closed = server.close();
  assertEquals(server.close() === closed, true);
  assertEquals(await Promise.all(answers), answers.map(() => "after all"));
  await soon(closed, "the workers to close");
  await server.finished;
  const error = await assertRejects(() => connect({ port }), TransportError);
  assertEquals(error.code, "refused");
});

test("cores: close() cancels what does not end within its timeout", async () => {
  const server = await serveOnTwo();
  const client = await dial(portOf(server));
  const never = outcome(ask(client, "never"));
  await ask(client, "who");
  await soon(server.close({ timeout: 50 }), "the workers to close");
  assertEquals((await never).kind, "error");
  await server.finished;
});

test("cores: a worker that does not close is killed, and reported", async () => {
  const server = await serveOnTwo({ start: "hangs at close" });
  await soon(server.close({ timeout: 0 }), "the workers to be ended");
  const error = await assertRejects(() => server.finished, TransportError, "did not close in time");
  assertEquals(error.code, "timed-out");
});

test("cores: a worker that dies is reported and restarted", async () => {
  const told: [message: string, core: number][] = [];
  await using server = await serveOnTwo({}, {
    maxRestarts: 1,
    onError: (error, core) => {
      assertInstanceOf(error, TransportError);
      told.push([error.message, core]);
      throw new Error("nobody is to hear this");
    },
  });
  const port = portOf(server);
  const before = await workers(port, 2);
  const client = await dial(port);
  const victim = await ask(client, "who");
  assertEquals((await outcome(ask(client, "die"))).kind, "error");
  // New connections reach the one that is left and, after a while, one that is new.
  await soon(untilNew(port, before), "a new worker");
  assertEquals(told.length, 1);
  assertEquals(told[0]![0].startsWith(`The worker of core ${told[0]![1]} died: `), true);
  const after = await workers(port, 2);
  assertEquals(after.size, 2);
  assertEquals(after.has(victim), false);
});

async function untilNew(port: number, before: ReadonlySet<unknown>): Promise<void> {
  for (;;) {
    const dialled = await outcome(dial(port));
    if (dialled.kind === "error") continue;
    await using client = dialled.value;
    // Node's cluster never answers a connection that it gave to a process as that died.
    const answer = await outcome(client.unary(body("who"), { timeout: 500 }));
    if (answer.kind === "value" && !before.has(answer.value.body)) return;
  }
}

test("cores: a port that the system chose stays, also when no worker is left", async () => {
  const told: string[] = [];
  await using server = await serveOnTwo({}, {
    cores: 1,
    maxRestarts: 2,
    onError: ({ message }) => told.push(message),
  });
  const port = portOf(server);
  for (const deaths of [1, 2]) {
    const before = await workers(port, 1);
    assertEquals((await outcome(ask(await dial(port), "die"))).kind, "error");
    await soon(untilNew(port, before), "a new worker");
    assertEquals(told.length, deaths);
  }
});

test("cores: when workers die too often, all are closed in order, and the failure is reported", async () => {
  const told: number[] = [];
  const server = await serveOnTwo({}, { onError: (_, core) => told.push(core) });
  const port = portOf(server);
  const [one, other] = await fromDifferentWorkers(port);
  const slow = ask(other, "slow");
  await ask(other, "who");
  const died = outcome(ask(one, "die"));
  assertEquals(await slow, "after all");
  assertEquals((await died).kind, "error");
  const error = await assertRejects(
    () => soon(server.finished, "the end"),
    TransportError,
    " died: ",
  );
  assertEquals(error.code, "other");
  assertEquals(told.length, 1);
  await server.close();
});

test("cores: the limit of restarts counts earlier ones", async () => {
  const told: number[] = [];
  const server = await serveOnTwo({}, {
    cores: 1,
    maxRestarts: 1,
    onError: (_, core) => told.push(core),
  });
  const port = portOf(server);
  const before = await workers(port, 1);
  assertEquals((await outcome(ask(await dial(port), "die"))).kind, "error");
  await soon(untilNew(port, before), "a new worker");
  assertEquals((await outcome(ask(await dial(port), "die"))).kind, "error");
  const end = soon(server.finished, "the end");
  await assertRejects(() => end, TransportError, "The worker of core 1 died: ");
  assertEquals(told, [1, 1]);
});

/** Two clients, each of another worker. */
async function fromDifferentWorkers(port: number) {
  const one = await dial(port);
  const who = await ask(one, "who");
  for (;;) {
    const other = await dial(port);
    if (await ask(other, "who") !== who) return [one, other] as const;
    await other.close();
  }
}
