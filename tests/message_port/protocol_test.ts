// The other end of a port is played by hand: what it may post, and what it may not.
import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { test } from "node:test";
import { TransportError } from "../../mod.ts";
import { portDuplex } from "../../src/adapters/message_port.ts";
import { End } from "../support/end.ts";
import { deferred, outcome, soon, turn } from "../support/within.ts";

const WINDOW = 1000;

/** An end of ours, and what it posts to the test. */
class Scripted implements Disposable {
  readonly end: End;
  readonly heard: unknown[] = [];
  readonly #port: MessagePort;
  #changed = deferred();

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port2;
    port2.addEventListener("message", ({ data }) => {
      this.heard.push(data);
      this.#changed.resolve();
      this.#changed = deferred();
    });
    port2.start();
    this.end = new End(portDuplex(port1, { window: WINDOW }));
  }

  post(...messages: unknown[]): void {
    for (const message of messages) this.#port.postMessage(message);
  }

  /** Waits until it has posted so many messages, and gives the last of them. */
  async until(count: number): Promise<unknown> {
    while (this.heard.length < count) await soon(this.#changed.promise, `message ${count}`);
    return this.heard[count - 1];
  }

  [Symbol.dispose](): void {
    this.end.drop();
    this.#port.close();
  }
}

const hello = { kind: "hello", window: 10, heard: true };
const bytes = (length: number) => new ArrayBuffer(length);

const violations: [name: string, messages: unknown[], message: RegExp][] = [
  ["a text", ["hello"], /no message of ours/],
  ["null", [null], /no message of ours/],
  ["an object without a kind", [{}], /no message of ours/],
  ["a kind that there is not", [{ kind: "reset" }], /no message of ours/],
  ["a view instead of a buffer", [new Uint8Array(3)], /no message of ours/],
  ["no bytes", [bytes(0)], /no message of ours/],
  ["a window of nothing", [{ ...hello, window: 0 }], /no message of ours/],
  ["a window that is no number", [{ ...hello, window: "10" }], /no message of ours/],
  ["a third hello", [hello, hello, hello], /hello again and again/],
  ["half a grant", [hello, { kind: "grant", bytes: 0.5 }], /no message of ours/],
  ["a grant below zero", [hello, { kind: "grant", bytes: -1 }], /no message of ours/],
  ["a grant beyond the window", [hello, { kind: "grant", bytes: 1 }], /more than its window/],
  ["a grant before the hello", [{ kind: "grant", bytes: 1 }], /more than its window/],
  ["more than it was granted", [bytes(900), bytes(101)], /101 bytes where 100 were granted/],
  ["bytes after the end", [{ kind: "end" }, bytes(1)], /bytes after its end/],
  ["a second end", [{ kind: "end" }, { kind: "end" }], /ended twice/],
  ["an abort without words", [{ kind: "abort" }], /no message of ours/],
];

for (const [name, messages, message] of violations) {
  test(`port protocol: ${name} breaks the connection`, async () => {
    using peer = new Scripted();
    peer.post(...messages);
    const { kind, ...rest } = await soon(outcome(peer.end.writer.closed), "the end of it");
    assertEquals(kind, "error");
    const error = Object.values(rest)[0];
    assertInstanceOf(error, TransportError);
    assertEquals(error.code, "other");
    assertMatch(error.message, message);
    // And is told why.
    for (let count = 1;; count++) {
      const told = await peer.until(count) as { kind: string; message: string };
      if (told.kind === "abort") return assertMatch(told.message, message);
    }
  });
}

test("port protocol: nothing is sent before the peer's hello, and no more than it grants", async () => {
  using peer = new Scripted();
  const written = peer.end.write(new Uint8Array(25));
  assertEquals(await peer.until(1), { kind: "hello", window: WINDOW, heard: false });
  await turn();
  assertEquals(peer.heard.length, 1);
  peer.post({ ...hello, heard: false });
  assertEquals(await peer.until(2), { kind: "hello", window: WINDOW, heard: true });
  assertEquals(await peer.until(3), bytes(10));
  await turn();
  assertEquals(peer.heard.length, 3);
  peer.post({ kind: "grant", bytes: 4 }, { kind: "grant", bytes: 6 });
  assertEquals(await peer.until(4), bytes(4));
  assertEquals(await peer.until(5), bytes(6));
  peer.post({ kind: "grant", bytes: 10 });
  assertEquals(await peer.until(6), bytes(5));
  await written;
});

test("port protocol: what has been read is granted again, by half windows", async () => {
  using peer = new Scripted();
  peer.post(hello);
  for (let at = 0; at < WINDOW; at += 100) peer.post(bytes(100));
  await peer.end.readExactly(400);
  await turn();
  assertEquals(peer.heard.length, 1);
  await peer.end.readExactly(100);
  assertEquals(await peer.until(2), { kind: "grant", bytes: 500 });
});

test("port protocol: cancelling the readable stops the peer's writer, and this end can still write", async () => {
  using peer = new Scripted();
  await peer.end.reader.cancel();
  assertEquals(await peer.until(2), { kind: "stop" });
  peer.post({ ...hello, window: 1000 }, bytes(7));
  await peer.end.write(new Uint8Array(3));
  await peer.end.close();
  await peer.until(5);
  // Said again, as the other end may not have listened at first.
  assertEquals(peer.heard.slice(2), [{ kind: "stop" }, bytes(3), { kind: "end" }]);
});

test("port protocol: a peer that stops reading can still write, until we do", async () => {
  using peer = new Scripted();
  peer.post(hello, { kind: "stop" }, bytes(5));
  assertEquals((await peer.end.readExactly(5)).length, 5);
  const write = await soon(outcome(peer.end.writer.write(new Uint8Array(20))), "the write");
  assertEquals(write.kind === "error" && (write.error as TransportError).code, "reset");
});

test("port protocol: a peer that stops reading and ends is answered by an end", async () => {
  using peer = new Scripted();
  peer.post(hello, { kind: "stop" }, bytes(5), { kind: "end" });
  assertEquals((await peer.end.readAll()).length, 5);
  await peer.end.close();
  assertEquals(await peer.until(2), { kind: "end" });
});

test("port protocol: a peer that stops reading fails a write that waits for credit, and our reading", async () => {
  using peer = new Scripted();
  const write = outcome(peer.end.writer.write(new Uint8Array(20)));
  peer.post(hello, { kind: "stop" });
  const result = await soon(write, "the write");
  assertEquals(result.kind === "error" && (result.error as TransportError).code, "reset");
  // As with a socket: what nobody read has reset both directions.
  const read = await soon(outcome(peer.end.readAll()), "the end");
  assertEquals(read.kind === "error" && (read.error as TransportError).code, "reset");
});
