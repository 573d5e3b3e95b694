// Chunks that are no bytes, at each place that takes some: most have no length, and passed for
// none.
import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { Connection, DecoderStream, type Duplex, duplexPair, TransportError } from "../../mod.ts";
import { portDuplex } from "../../src/adapters/message_port.ts";
import { lengthDelimited } from "../../src/codecs/length_delimited.ts";
import { ScriptedFace } from "../support/scripted_face.ts";
import { type Outcome, outcome, soon } from "../support/within.ts";

const BYTES = [2, 104, 105];
const { buffer } = new Uint8Array(BYTES);

const wrong: [chunk: unknown, shown: string][] = [
  [buffer, "of type ArrayBuffer"],
  [new ArrayBuffer(0), "of type ArrayBuffer"],
  [new DataView(buffer), "of type DataView"],
  [new Uint16Array(1), "of type Uint16Array"],
  ["hi", "of type String"],
  [BYTES, "of type Array"],
  [{ length: 3 }, "of type Object"],
  [null, "of type Null"],
  [undefined, "of type Undefined"],
];

function errorOf(result: Outcome<unknown>): unknown {
  return result.kind === "error" ? result.error : undefined;
}

/** A decoder's stream, and the outcomes of a write and of a read. */
function decoded(chunk: unknown) {
  const { readable, writable } = new DecoderStream(lengthDelimited().decoder);
  return Promise.all([
    outcome(writable.getWriter().write(chunk as never)),
    outcome(readable.getReader().read()),
  ]);
}

test("wrong chunks: DecoderStream says what came", async () => {
  for (const [chunk, shown] of wrong) {
    for (const result of await soon(decoded(chunk), shown)) {
      const error = errorOf(result);
      assertInstanceOf(error, TypeError, shown);
      assertEquals(error.message, `A chunk must be a Uint8Array, not ${shown}`);
    }
  }
});

test("wrong chunks: bytes of another realm are right", async () => {
  const foreign = runInNewContext("new Uint8Array([2, 104, 105])");
  const [, read] = await soon(decoded(foreign), "the message");
  assertEquals(
    read.kind === "value" && read.value.value?.map((bytes) => [...bytes]),
    [BYTES.slice(1)],
  );
});

/** Connects a duplex whose first chunk this is; by streams, and by its synchronous face. */
const delivered: Record<string, (chunk: unknown, connect: (duplex: Duplex) => void) => void> = {
  "a pair of streams": (chunk, connect) => {
    const readable = new ReadableStream({ start: (source) => source.enqueue(chunk as never) });
    connect({ readable, writable: new WritableStream() });
  },
  "an attached duplex": (chunk, connect) => {
    const face = new ScriptedFace();
    connect(face);
    face.arrive(chunk as Uint8Array);
  },
};

for (const [kind, deliver] of Object.entries(delivered)) {
  test(`wrong chunks: the end of a connection over ${kind} says what came`, async () => {
    for (const [chunk, shown] of wrong) {
      let received = 0;
      let connection!: Connection<Uint8Array>;
      deliver(chunk, (duplex) =>
        connection = new Connection(duplex, {
          codec: lengthDelimited(),
          reactor: () => ({ onInboundMessage: () => {} }),
          observer: { onBytesReceived: (bytes) => received += bytes },
        }));
      const reason = await soon(connection.closed, shown);
      const error = reason.kind === "error" ? reason.error : undefined;
      assertInstanceOf(error, TransportError, shown);
      const { code, message, cause } = error;
      const told = `A chunk that the duplex delivers must be a Uint8Array, not ${shown}`;
      assertEquals([code, message], ["other", told]);
      assertInstanceOf(cause, TypeError);
      assertEquals([connection.bytesReceived, received], [0, 0]);
    }
  });
}

const pairs: Record<string, () => [Duplex, Duplex]> = {
  duplexPair,
  "message port": () => {
    const { port1, port2 } = new MessageChannel();
    return [portDuplex(port1), portDuplex(port2)];
  },
};

for (const [kind, pair] of Object.entries(pairs)) {
  test(`wrong chunks: a write to a ${kind} says what came, and both ends notice`, async () => {
    for (const [chunk, shown] of wrong) {
      const [{ readable, writable }, peer] = pair();
      const writer = writable.getWriter();
      try {
        const written = errorOf(await soon(outcome(writer.write(chunk as never)), shown));
        assertInstanceOf(written, TypeError, shown);
        assertEquals(written.message, `A chunk must be a Uint8Array, not ${shown}`);
        const ends = [readable, peer.readable].map((end) => outcome(end.getReader().read()));
        const [here, there] = (await soon(Promise.all(ends), "both ends")).map(errorOf);
        assertInstanceOf(here, TransportError, shown);
        assertStrictEquals(here.cause, written);
        assertInstanceOf(there, TransportError, shown);
      } finally {
        writer.abort().catch(() => {});
      }
    }
  });
}
