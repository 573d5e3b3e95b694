// The manifests, against Kubernetes' own schemas where a validator is installed; and what its
// kubelet does to a pod by them, done to the server that they run.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as net from "node:net";
import process from "node:process";
import { test } from "node:test";
import { json } from "@protosocket/protosocket/json";
import { RpcClient, RpcPool } from "@protosocket/protosocket/rpc";
import { connect } from "@protosocket/protosocket/sockets";
import { messages, type Request, type Response } from "../../examples/graceful/messages.ts";
import { plain } from "../../examples/support/plain_messages.ts";
import { root } from "../../tools/runtimes.ts";
import { Program } from "../support/program.ts";
import { runtime } from "../support/runtime.ts";
import { soon } from "../support/within.ts";

const FILE = `${root}examples/kubernetes/echo.yaml`;
const yaml = readFileSync(FILE, "utf8");

/** The one number that a pattern finds in the manifests. */
function number(pattern: RegExp): number {
  const found = [...yaml.matchAll(pattern)].map(([, digits]) => Number(digits));
  assertEquals(found.length, 1, `${pattern}`);
  return found[0]!;
}

const validates = runtime === "node" &&
  spawnSync("kubernetes-validate", ["--version"]).status === 0;

test("example kubernetes: the manifests are as the schemas of Kubernetes say", {
  skip: validates ? false : "needs Node and kubernetes-validate (pip install kubernetes-validate)",
}, () => {
  const { status, stdout, stderr } = spawnSync("kubernetes-validate", ["--strict", FILE], {
    encoding: "utf8",
  });
  assertEquals(status, 0, stdout + stderr);
  assertEquals(`${stdout}${stderr}`.match(/ passed /g)?.length, 4);
});

test("example kubernetes: a pod is not killed before its server has closed", () => {
  const deadline = number(/command: \["node", "server.js", "0.0.0.0:9000", "(\d+)"\]/g) / 1000;
  const pause = number(/sleep: \{ seconds: (\d+) \}/g);
  const grace = number(/terminationGracePeriodSeconds: (\d+)/g);
  assert(grace > pause + deadline, `${grace}, ${pause}, ${deadline}`);
  // A pod that is no longer ready is out of DNS within the pause.
  assert(number(/readinessProbe:[^]*?periodSeconds: (\d+)[^]*?livenessProbe/g) < pause);
  // All ports are the same one.
  const ports = [...yaml.matchAll(/(?:^ +port|\{ port|containerPort): (\d+)/gm)];
  assertEquals(ports.map(([, port]) => port), ["9000", "9000", "9000", "9000"]);
});

/** What a TCP probe of a kubelet does: it connects, and leaves. */
function probe(port: number): Promise<boolean> {
  return soon(
    new Promise((resolve) => {
      const socket = net.connect(port, "127.0.0.1");
      socket.on("connect", () => (socket.destroy(), resolve(true)));
      socket.on("error", () => resolve(false));
    }),
    "a probe",
  );
}

test("example kubernetes: what a kubelet does to a pod that goes costs no call", {
  skip: process.platform === "win32",
}, async () => {
  const server = () => new Program("examples/graceful/server.ts", ["127.0.0.1:0", "30000"]);
  await using goes = server();
  await using stays = server();
  const [first, second] = [await goes.listening(), await stays.listening()];
  const silent = goes.said;
  for (let i = 0; i < 5; i++) {
    assertEquals([await probe(first.port), await probe(second.port)], [true, true]);
  }
  let ready = [first.port, second.port];
  await using pool = new RpcPool<Request, Response, number>({
    endpoints: () => Promise.resolve(ready),
    slots: 2,
    connect: async (port, { signal }) =>
      new RpcClient(await connect({ port, signal }), {
        codec: json<Response, Request>(),
        messages,
      }),
  });
  const call = async (milliseconds: number, key?: number) => {
    const asked = pool.unary(plain({ milliseconds }), key === undefined ? {} : { key });
    return (await soon(asked, "an answer")).body?.done;
  };
  // One on each connection.
  const slow = [0, 1].map((key) => call(2000, key));
  assertEquals(await call(1), "1 ms of work");
  // A probe is no error, and not worth a line.
  assertEquals(goes.said.replace(/finished: .*\n/g, ""), silent);

  // preStop: DNS no longer has the pod, which does not know yet.
  ready = [second.port];
  assertEquals([await probe(first.port), await call(1)], [true, "1 ms of work"]);

  // SIGTERM: it accepts nothing more, and answers what it has.
  goes.kill("SIGTERM");
  await goes.until(/closing within/);
  while (await probe(first.port));
  for (let i = 0; i < 50; i++) assertEquals(await call(1), "1 ms of work");
  assertEquals(await Promise.all(slow), ["2000 ms of work", "2000 ms of work"]);
  assertEquals(await goes.ended, 0, goes.said);
  assertMatch(goes.said, /finished: 2000 ms of work\n(finished: .*\n)*closed\n$/);
  assertEquals(await probe(second.port), true);
});
