// A pool with many connections, and many calls that share a signal: neither is a leak.
import { assertEquals } from "@std/assert";
import process from "node:process";
import { test } from "node:test";
import { bodyOf, poolAndHosts } from "../../support/pool.ts";
import { body } from "../../support/rpc.ts";
import { outcome, soon, turn } from "../../support/within.ts";

/** The warnings that a runtime gives meanwhile. */
async function warnings(work: () => Promise<void>): Promise<string[]> {
  const heard: string[] = [];
  const onWarning = ({ name, message }: Error) => void heard.push(`${name}: ${message}`);
  process.on("warning", onWarning);
  await work();
  for (let i = 0; i < 3; i++) await turn();
  process.removeListener("warning", onWarning);
  return heard;
}

test("forty slots that connect at once: no warning of a leak", async () => {
  const heard = await warnings(async () => {
    const { pool, hosts: [host] } = poolAndHosts(1, { slots: 40 });
    host!.hold();
    const calls = Array.from({ length: 40 }, (_, key) => pool.unary(body("x"), { key }));
    await turn();
    host!.release();
    for (const call of calls) assertEquals(await bodyOf(call), "a");
    await soon(pool.close(), "the end");
  });
  assertEquals(heard, []);
});

test("calls that wait for a connection, and in flight, on one signal: no warning of a leak", async () => {
  const heard = await warnings(async () => {
    const { pool, hosts: [host] } = poolAndHosts(1, { slots: 1 });
    host!.hold();
    const controller = new AbortController();
    const { signal } = controller;
    const call = () => outcome(pool.unary(body("x"), { signal }));
    const waiting = Array.from({ length: 40 }, call);
    host!.handler = () => new Promise(() => {});
    host!.release();
    await pool.client();
    const inFlight = Array.from({ length: 40 }, call);
    controller.abort("enough");
    for (const call of [...waiting, ...inFlight]) {
      assertEquals(await soon(call, "a call"), { kind: "error", error: "enough" });
    }
    await soon(pool.close(), "the end");
  });
  assertEquals(heard, []);
});
