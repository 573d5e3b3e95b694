// Ports of all kinds, and what becomes of them.
import { assert, assertEquals, assertInstanceOf, assertMatch, assertThrows } from "@std/assert";
import { test } from "node:test";
import { TransportError } from "../../mod.ts";
import { portDuplex, type PortLike } from "../../src/adapters/message_port.ts";
import { randomBytes } from "../support/bytes.ts";
import { End } from "../support/end.ts";
import { runtime } from "../support/runtime.ts";
import { soon, turn } from "../support/within.ts";

function pair(window?: number): [End, End] {
  const { port1, port2 } = new MessageChannel();
  const options = window === undefined ? {} : { window };
  return [new End(portDuplex(port1, options)), new End(portDuplex(port2, options))];
}

test("ports: a bad window is refused", () => {
  const { port1 } = new MessageChannel();
  for (const window of [0, -1, 1.5, NaN, Infinity, 2 ** 30 + 1]) {
    assertThrows(() => portDuplex(port1, { window }), RangeError, "window");
  }
  port1.close();
});

test("ports: what is no port is refused", () => {
  const channel = new MessageChannel();
  const wrong: [port: unknown, what: string][] = [
    [channel, "a channel: pass one of its ports"],
    [undefined, "undefined"],
    ["worker.js", '"worker.js"'],
    [{}, "an object"],
  ];
  for (const [port, what] of wrong) {
    const told = `port must be a MessagePort or a Worker, not ${what}`;
    assertThrows(() => portDuplex(port as PortLike), TypeError, told);
  }
  channel.port1.close();
});

test("ports: a window of one byte carries all", async () => {
  const [here, there] = pair(1);
  const expected = randomBytes(100);
  const sent = here.write(expected).then(() => here.close());
  assertEquals(await there.readAll(), expected);
  await Promise.all([sent, there.close()]);
});

test("ports: written bytes still belong to the writer", async () => {
  const [here, there] = pair();
  const slab = randomBytes(100);
  await here.write(slab.subarray(10, 20));
  assertEquals(slab, randomBytes(100));
  slab.fill(0);
  assertEquals(await there.readExactly(10), randomBytes(100).subarray(10, 20));
  here.drop();
});

test("ports: memory that is shared, and a Buffer's pool, can be written", async () => {
  const [here, there] = pair();
  await here.write(new Uint8Array(new SharedArrayBuffer(3)).fill(7));
  assertEquals(await there.readExactly(3), new Uint8Array([7, 7, 7]));
  here.drop();
});

test("ports: an abort tells the other end why", async () => {
  const odd = Object.create(null);
  const reasons = [[new RangeError("enough"), /RangeError: enough$/], [odd, /aborted$/]] as const;
  for (const [reason, message] of reasons) {
    const [here, there] = pair();
    await here.abort(reason);
    const error = await there.broken();
    assertEquals(error.code, "reset");
    assertMatch(error.message, message);
  }
});

const untold = runtime === "deno" ? { skip: "Deno does not tell of it" } : {};
test("ports: a port that is closed at the other end breaks the connection", untold, async () => {
  const { port1, port2 } = new MessageChannel();
  const end = new End(portDuplex(port1));
  port2.close();
  const error = await end.broken();
  assertEquals(error.code, "reset");
  assertMatch(error.message, /the other end is gone/);
});

test("ports: ends that start one after the other find each other", async () => {
  const { port1, port2 } = new MessageChannel();
  const here = new End(portDuplex(port1));
  const sent = here.write(new Uint8Array([1])).then(() => here.close());
  await turn();
  const there = new End(portDuplex(port2));
  assertEquals(await there.readAll(), new Uint8Array([1]));
  await Promise.all([sent, there.close()]);
});

/** A port that has nothing but what its kind must have; messages are lost until it is listened to. */
class BarePort implements PortLike {
  onmessage: ((event: unknown) => void) | null = null;
  other!: BarePort;
  protected listening = false;
  postMessage(message: unknown, transfer: ArrayBuffer[]): void {
    const data = structuredClone(message, { transfer });
    queueMicrotask(() => this.other.receive(data));
  }
  protected receive(data: unknown): void {
    this.onmessage?.({ data });
  }
}

/** Like a worker of `node:worker_threads`. */
class Emitter extends BarePort {
  readonly listeners = new Map<string, (event: unknown) => void>();
  on(type: string, listener: (event: unknown) => void): void {
    this.listeners.set(type, listener);
  }
  off(type: string): void {
    this.listeners.delete(type);
  }
  terminate(): void {}
  protected override receive(data: unknown): void {
    this.listeners.get("message")?.(data);
  }
}

for (const Kind of [BarePort, Emitter]) {
  test(`ports: a ${Kind.name} works, and is released`, async () => {
    const [a, b] = [new Kind(), new Kind()];
    [a.other, b.other] = [b, a];
    const here = new End(portDuplex(a));
    const sent = here.write(new Uint8Array([1, 2])).then(() => here.close());
    await turn();
    // Its first message was lost on this one.
    const there = new End(portDuplex(b));
    assertEquals(await there.readAll(), new Uint8Array([1, 2]));
    await Promise.all([sent, there.close()]);
    assertEquals(await here.readAll(), new Uint8Array(0));
    for (const port of [a, b]) {
      if (port instanceof Emitter) assertEquals(port.listeners.size, 0);
      else assertEquals(port.onmessage, null);
    }
  });
}

test("ports: a worker that fails, or ends, breaks the connection", async () => {
  for (const [type, event] of [["error", new Error("the worker's own")], ["exit", 1]] as const) {
    const worker = new Emitter();
    worker.other = new Emitter();
    const end = new End(portDuplex(worker));
    worker.listeners.get(type)!(event);
    const error = await end.broken();
    assertEquals(error.code, "reset");
    if (type === "error") assertEquals(error.cause, event);
    assertEquals(worker.listeners.size, 0);
  }
});

test("ports: a port that cannot post breaks the connection", async () => {
  const failure = new Error("no room");
  const port = new BarePort();
  port.postMessage = () => {
    throw failure;
  };
  const end = new End(portDuplex(port));
  const error = await soon(end.reader.closed.catch((error) => error), "the error");
  assertInstanceOf(error, TransportError);
  assertEquals([error.code, error.cause], ["other", failure]);
  assert(port.onmessage === null);
});
