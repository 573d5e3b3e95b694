// A connection that waits for nothing but its next message has no timers, whatever its limits.
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { Connection, type Receiver } from "@protosocket/protosocket";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { codeOf } from "../support/connections.ts";
import { countTimers } from "../support/count_timers.ts";
import { ScriptedFace, type Takes } from "../support/scripted_face.ts";
import { soon, turn } from "../support/within.ts";

/** Of no other timer, also if a busy machine comes to it late. */
const [FIRST, PART, WRITE] = [20_000, 30_000, 40_000];
const MESSAGE = new Uint8Array([1, 7]);

/** Tells of a write a microtask later that it was taken, as Deno does. */
class PromisingFace extends ScriptedFace {
  #onDrain = () => {};

  constructor() {
    super(() => "never");
  }

  override attach(receiver: Receiver) {
    this.#onDrain = () => receiver.onDrain();
    return Object.assign(super.attach(receiver), { write: () => this.#write() });
  }

  #write(): boolean {
    Promise.resolve().then().then(this.#onDrain);
    return false;
  }
}

/** Runs an echo with all limits, and tells which timers are left, and what it ends with then. */
async function echo(face: ScriptedFace, ...chunks: Uint8Array[]) {
  let connection!: Connection<Uint8Array>;
  const { left } = await countTimers(async () => {
    connection = new Connection<Uint8Array>(face, {
      codec: lengthDelimited(),
      reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
      firstMessageTimeout: FIRST,
      messageTimeout: PART,
      writeTimeout: WRITE,
    });
    for (const chunk of chunks) {
      face.arrive(chunk);
      await turn();
    }
  });
  const none = await countTimers(async () => {
    connection.abort();
    await soon(connection.closed, "the end");
  });
  const rounded = left.map((ms) => Math.round(ms / 10_000) * 10_000);
  return { left: rounded.filter((ms) => ms >= FIRST), more: none.left };
}

const scripted = (takes: ReturnType<Takes>) => new ScriptedFace(() => takes);

test("idle timers: until the first message there is one", async () => {
  assertEquals(await echo(scripted("at once")), { left: [FIRST], more: [] });
});

test("idle timers: after messages that were answered at once there is none", async () => {
  assertEquals((await echo(scripted("at once"), MESSAGE, MESSAGE)).left, []);
});

test("idle timers: nor if the transport tells by a promise that it has taken a write", async () => {
  assertEquals((await echo(new PromisingFace(), MESSAGE, MESSAGE)).left, []);
});

test("idle timers: while a write waits for the peer there is one", async () => {
  assertEquals((await echo(scripted("never"), MESSAGE)).left, [WRITE]);
});

test("idle timers: while a message is incomplete there is one, also after the first", async () => {
  assertEquals((await echo(scripted("at once"), MESSAGE, MESSAGE.subarray(0, 1))).left, [PART]);
});

test("messageTimeout: also for a message after the first", async () => {
  const face = scripted("at once");
  const connection = new Connection<Uint8Array>(face, {
    codec: lengthDelimited(),
    reactor: () => ({ onInboundMessage() {} }),
    messageTimeout: 20,
  });
  face.arrive(MESSAGE);
  face.arrive(MESSAGE.subarray(0, 1));
  assertEquals(codeOf(await soon(connection.closed, "the end")), "message-timeout");
});

test("writeTimeout: a write that began after one that was taken late has its own time", async () => {
  let writes = 0;
  const face = new ScriptedFace(() => ++writes < 3 ? "later" : "never");
  const connection = new Connection<Uint8Array>(face, {
    codec: lengthDelimited(),
    reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
    writeTimeout: 300,
  });
  for (let i = 0; i < 3; i++) {
    face.arrive(MESSAGE);
    await turn();
    await turn();
  }
  assertEquals(codeOf(await soon(connection.closed, "the end")), "write-timeout");
  assertEquals([writes, face.faults], [3, []]);
});
