import { codeOf, type Failure } from "../support/code_of.ts";
import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import cluster from "node:cluster";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { type CoresOptions, serveOnEachCore } from "@protosocket/protosocket/cores";
import { connect, listen } from "@protosocket/protosocket/node";
import { runtime, unstableNet } from "../support/runtime.ts";
import { outcome, until } from "../support/within.ts";
import { ask, dial, portOf, serveOnTwo, WORKER } from "./support.ts";

/** The error that starting must end with. */
async function failure(code: Failure, start: () => Promise<unknown>): Promise<Error> {
  const error = await assertRejects(start, Error);
  assertEquals(codeOf(error), code, error.message);
  return error;
}

test("cores: a worker that throws at its start rejects, and none is left running", async () => {
  const { port } = await freePort();
  const error = await failure("other", () => serveOnTwo({ start: "throws" }, { port }));
  assertEquals(error.message, "The worker of core 1 did not start: it is not the day for it");
  assertInstanceOf(error.cause, Error);
  assertEquals(error.cause.name, "RangeError");
  await failure("refused", () => connect({ port }));
});

test("cores: a second worker that throws at its start rejects, and the first is ended", async () => {
  // Whether a thread's socket is closed by then was a matter of luck.
  for (let rounds = runtime === "node" ? 1 : 5; rounds > 0; rounds--) {
    const folder = mkdtempSync(join(tmpdir(), "cores-"));
    const { port } = await freePort();
    const onlyOne = join(folder, "first");
    const { message } = await failure("other", () => serveOnTwo({ onlyOne }, { port }));
    await failure("refused", () => connect({ port }));
    rmSync(folder, { recursive: true });
    assertEquals(message.startsWith("The worker of core 2 did not start: EEXIST"), true, message);
  }
});

test("cores: one that does not close is ended when another does not start", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cores-"));
  const { port } = await freePort();
  const data = { onlyOne: join(folder, "first"), start: "hangs at close" } as const;
  const { message } = await failure("other", () => serveOnTwo(data, { port }));
  rmSync(folder, { recursive: true });
  assertEquals(message.startsWith("The worker of core 2 did not start: EEXIST"), true, message);
  // Deno does not tell when a thread that was killed is gone.
  await until(async () => {
    const tried = await outcome(connect({ port }));
    if (tried.kind === "value") tried.value.writable.abort().catch(() => {});
    return tried.kind === "error" && codeOf(tried.error) === "refused";
  }, () => `that nothing listens on ${port}`);
});

test("cores: a worker that ends at its start rejects", async () => {
  const { message } = await failure("other", () => serveOnTwo({ start: "dies" }));
  assertEquals(/^The worker of core 1 did not start: .* the code 3$/.test(message), true, message);
});

test("cores: a port that is in use rejects with the listener's own error", async () => {
  await using taken = await listen({ port: 0 });
  const error = await failure("address-in-use", () => serveOnTwo({}, { port: portOf(taken) }));
  assertEquals(error.message.includes("Cannot listen on 127.0.0.1:"), true, error.message);
});

test("cores: a module that cannot be loaded, or has no serveCore, rejects", async () => {
  const missing = new URL("./missing.ts", import.meta.url);
  await failure("other", () => serveOnEachCore(missing, { port: 0, cores: 1 }));
  const empty = new URL("./empty.ts", import.meta.url);
  const { message } = await failure(
    "other",
    () => serveOnEachCore(empty, { port: 0, cores: 1 }),
  );
  assertEquals(message.endsWith("empty.ts exports no function serveCore"), true, message);
});

test("cores: bad options reject, and say why", async () => {
  const bad: [options: Partial<CoresOptions>, message: string][] = [
    [{ port: -1 }, "port must be an integer from 0 to 65535, not -1"],
    [{ port: undefined }, "Either a port or the path of a Unix socket must be given, and not both"],
    [{ hostname: "" }, 'hostname must be a string that is not empty, not ""'],
    [{ cores: 0 }, "cores must be an integer from 1 to 1024, not 0"],
    [{ cores: 1.5 }, "cores must be an integer from 1 to 1024, not 1.5"],
    [{ maxRestarts: -1 }, "maxRestarts must be an integer from 0 to 1000, not -1"],
  ];
  for (const [options, message] of bad) {
    const start = () => serveOnEachCore(WORKER, { port: 0, ...options } as CoresOptions);
    assertEquals((await failure("wrong-option", start)).message, message);
  }
  const { message } = await failure(
    "wrong-option",
    () => serveOnEachCore(WORKER, { port: 0, data: () => {} }),
  );
  assertEquals(message.startsWith("data cannot be cloned for the workers: "), true);
  assertEquals(
    (await failure("wrong-option", () => serveOnEachCore("./worker.ts", { port: 0 }))).message,
    'module must be a URL, such as new URL("./echo.ts", import.meta.url), not ./worker.ts',
  );
});

test("cores: a bad timeout of close() throws", async () => {
  await using server = await serveOnEachCore(WORKER, { port: 0, cores: 1, data: {} });
  for (const timeout of [-1, NaN, 2 ** 31]) {
    assertThrows(() => server.close({ timeout }), RangeError, "timeout must be an integer");
  }
});

test("cores: without --unstable-net, Deno's own listener says that it cannot share a port", {
  skip: runtime !== "deno" || unstableNet,
}, async () => {
  const { message } = await failure("unsupported", () => serveOnTwo({ adapter: "deno" }));
  assertEquals(
    message,
    "The worker of core 1 did not start: The option reusePort is not supported here: " +
      "Deno has it with --unstable-net only",
  );
  // One core needs none.
  await using server = await serveOnTwo({ adapter: "deno" }, { cores: 1 });
  await using client = await dial(portOf(server));
  assertEquals(typeof await ask(client, "who"), "string");
});

test("cores: threads are refused on a system that does not distribute connections", {
  skip: runtime === "node",
}, async () => {
  const platform = Object.getOwnPropertyDescriptor(process, "platform")!;
  Object.defineProperty(process, "platform", { configurable: true, value: "darwin" });
  try {
    const { message } = await failure("unsupported", () => serveOnTwo());
    assertEquals(message.startsWith("Cannot serve on each core: on darwin the system"), true);
  } finally {
    Object.defineProperty(process, "platform", platform);
  }
});

test("cores: a worker cannot start workers, on Node", { skip: runtime !== "node" }, async () => {
  const mutable = cluster as { isPrimary: boolean };
  mutable.isPrimary = false;
  try {
    const { message } = await failure("unsupported", () => serveOnTwo());
    assertEquals(message.startsWith("Cannot serve on each core: on Node only the main"), true);
  } finally {
    mutable.isPrimary = true;
  }
});

/** A port that nothing listens on. */
async function freePort(): Promise<{ port: number }> {
  await using listener = await listen({ port: 0 });
  return { port: portOf(listener) };
}
