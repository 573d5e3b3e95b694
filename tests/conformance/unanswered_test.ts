// Connecting to an address that does not answer.
import { assertEquals, assertRejects } from "@std/assert";
import { connect as connectTcp, type Socket } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { TransportError } from "../../mod.ts";
import { openSockets } from "../support/open_handles.ts";
import { Program } from "../support/program.ts";
import { runtime } from "../support/runtime.ts";
import { connect } from "../support/tls.ts";
import { until } from "../support/within.ts";

/** How many connections the system takes for a program that is stopped, at least. */
const BACKLOG = runtime === "bun" ? 512 : 1;

test("an aborted connect gives its descriptor back, though nobody answers", {
  skip: process.platform === "linux" ? false : "only Linux tells the descriptors",
}, async () => {
  await using program = new Program("tests/conformance/deaf.ts");
  const { port } = await program.listening();
  program.kill("SIGSTOP");
  let connected = 0;
  const crowd: Socket[] = [];
  for (let count = 0; count < BACKLOG + 20; count++) {
    const socket = connectTcp({ port, host: "127.0.0.1" }).on("error", () => {});
    socket.once("connect", () => connected++);
    crowd.push(socket);
  }
  // The queue is full; the rest of the crowd waits.
  await until(() => connected > BACKLOG, () => `a full queue: ${connected}`);
  const before = openSockets()!;
  const controller = new AbortController();
  const connecting = connect({ port, signal: controller.signal });
  connecting.catch(() => {});
  await until(() => openSockets()! > before, () => "connecting");
  controller.abort();
  const error = await assertRejects(() => connecting, TransportError);
  assertEquals(error.code, "aborted");
  await until(() => openSockets()! <= before, () => "the descriptor is given back");
  for (const socket of crowd) socket.destroy();
});
