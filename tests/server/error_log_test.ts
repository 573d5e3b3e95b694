// What servers log whose user did not say where their errors go.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { serve, type ServeOptions } from "../../mod.ts";
import { RpcClient, type RpcServerOptions, serveRpc } from "../../src/rpc/mod.ts";
import { lengthDelimited } from "../../src/codecs/length_delimited.ts";
import { errorLog } from "../../src/error_log.ts";
import { memoryListener } from "../support/memory_listener.ts";
import { body, jsonCodec, type Message, messages } from "../support/rpc.ts";
import { outcome, soon } from "../support/within.ts";

/** What is logged meanwhile: the sentences, and the errors' messages. */
async function logged(run: () => unknown): Promise<[sentence: string, error: string][]> {
  const said: [string, string][] = [];
  const { error } = console;
  console.error = (sentence, error) => void said.push([sentence, String(error?.message ?? error)]);
  try {
    await run();
  } finally {
    console.error = error;
  }
  return said;
}

/** Calls at these milliseconds. */
async function loggedAt(calls: [at: number, error: unknown][]): Promise<string[]> {
  const { now } = performance;
  const log = errorLog("a thing");
  try {
    const said = await logged(() => {
      for (const [at, error] of calls) {
        performance.now = () => at;
        log(error, {});
      }
    });
    return said.map(([sentence]) => sentence);
  } finally {
    performance.now = now;
  }
}

test("errorLog: one of each kind in a second, and how many there were", async () => {
  const coded = (code: string) => Object.assign(new Error("oh"), { code });
  assertEquals(
    await loggedAt([
      [0, coded("a")],
      [1, coded("a")],
      [2, new TypeError("oh")],
      [999, coded("a")],
      [1000, coded("a")],
      [1500, coded("a")],
      [3000, coded("b")],
    ]),
    [
      "protosocket: a thing failed:",
      "protosocket: a thing failed:",
      "protosocket: a thing failed (and 2 more like it before):",
      "protosocket: a thing failed:",
    ],
  );
});

test("errorLog: peers cannot make it remember more and more, and any value is logged", async () => {
  const many = Array.from({ length: 1000 }, (_, code): [number, unknown] => [0, { code }]);
  assertEquals((await loggedAt([...many, [0, null], [0, undefined]])).length, 1001);
});

test("errorLog: it names the method and the peer", async () => {
  const remoteAddress = { transport: "tcp", hostname: "::1", port: 7 } as const;
  const said = await logged(() => {
    errorLog("rpc")(new Error("oh"), { id: 3, method: "a.B/c", remoteAddress });
    errorLog("rpc")(new Error("oh"), { remoteAddress: { transport: "unix", path: "" } });
  });
  assertEquals(said, [
    ["protosocket: rpc 3 of a.B/c from [::1]:7 failed:", "oh"],
    ["protosocket: rpc from a Unix socket failed:", "oh"],
  ]);
});

test("a server whose connector throws says so, but not for each of a flood of connections", async () => {
  const said = await logged(async () => {
    const listener = memoryListener();
    const server = serve(listener, () => {
      throw new Error("no certificate");
    });
    for (let peer = 1; peer <= 50; peer++) {
      const { readable } = listener.dial(peer);
      await soon(outcome(readable.getReader().read()), "the refusal");
    }
    await server.close();
  });
  assert(said.length < 10, `${said.length} lines`);
  assertMatch(said[0]![0], /^protosocket: a connection from .*:1 was refused:$/);
  assertEquals(said[0]![1], "no certificate");
});

/** Sends bytes to a server of messages behind a u32; returns what that logs. */
function nonsense(options: ServeOptions, bytes: string | undefined) {
  return logged(async () => {
    const listener = memoryListener();
    const server = serve(listener, () => ({
      codec: lengthDelimited({ prefix: "u32be" }),
      reactor: () => ({ onInboundMessage: () => {} }),
    }), options);
    const { writable, readable } = listener.dial(7);
    const writer = writable.getWriter();
    if (bytes) await writer.write(new TextEncoder().encode(bytes)).catch(() => {});
    else await writer.abort();
    // Until the server has noticed.
    await soon(readable.getReader().read(), "the end").catch(() => {});
    await soon(server.close(), "the server's close");
  });
}

test("serve: a connection that failed is logged, with the peer", async () => {
  const [[sentence, error] = [], ...others] = await nonsense({}, "GET / HTTP/1.1\r\n\r\n");
  assertEquals(others, []);
  assertMatch(sentence!, /^protosocket: a connection from 127\.0\.0\.1:7 failed:$/);
  assertMatch(error!, /an HTTP request$/);
});

test("serve: neither what happens every day, nor what is told elsewhere", async () => {
  assertEquals(await nonsense({}, undefined), []);
  const errors: string[] = [];
  const told = { onConnectionError: (error: Error) => void errors.push(error.message) };
  assertEquals(await nonsense(told, "GET / HTTP/1.1\r\n\r\n"), []);
  assertMatch(errors[0]!, /HTTP request/);
  assertEquals(await nonsense(told, undefined), []);
  assertEquals(errors.length, 2);
});

test("serveRpc: handlers that throw are logged by one log for all connections", async () => {
  const fail = (options: RpcServerOptions) =>
    logged(async () => {
      const listener = memoryListener();
      const server = serveRpc<Message, Message>(listener, {
        codec: jsonCodec,
        messages,
        service: () => () => {
          throw new TypeError("oh");
        },
        ...options,
      });
      // All of it in one moment, however long it takes.
      const { now } = performance;
      const moment = now.call(performance);
      performance.now = () => moment;
      for (const port of [7, 8]) {
        const client = new RpcClient<Message, Message>(listener.dial(port), {
          codec: jsonCodec(),
          messages,
        });
        await soon(outcome(client.unary(body("a"))), "an answer");
        await soon(client.close(), "the close");
      }
      performance.now = now;
      await soon(server.close(), "the server's close");
    });
  const said = await fail({});
  assertEquals(said.map(([, error]) => error), ["oh"]);
  assertMatch(said[0]![0], /^protosocket: rpc \d+ from 127\.0\.0\.1:7 failed:$/);
  assertEquals(await fail({ onError: () => {} }), []);
});

test("serve: callbacks that are async, and reject, end neither the process nor the server", async () => {
  const told: string[] = [];
  const rejects = (what: string) => () => {
    told.push(what);
    return Promise.reject(new Error("an unhandled rejection would fail this test"));
  };
  const listener = memoryListener();
  const server = serve(listener, ({ remoteAddress }) => {
    if (remoteAddress?.transport === "tcp" && remoteAddress.port === 1) throw new Error("no");
    return {
      codec: lengthDelimited({ prefix: "u32be" }),
      reactor: () => ({ onInboundMessage: () => {} }),
    };
  }, {
    onConnectError: rejects("refused"),
    onConnectionError: rejects("failed"),
  });
  for (const port of [1, 2]) {
    const { writable, readable } = listener.dial(port);
    outcome(writable.getWriter().write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")));
    await soon(outcome(readable.getReader().read()), "the end");
  }
  await soon(server.close(), "the server's close");
  assertEquals(told, ["refused", "failed"]);
});
