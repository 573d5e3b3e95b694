// A connection delivers the same over both faces of a duplex: the synchronous one and the streams.
import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import fc from "fast-check";
import { test } from "node:test";
import {
  type CloseReason,
  Connection,
  type Reactor,
  type Sender,
  TransportError,
} from "../../mod.ts";
import { framesCodec, INVALID, SKIP } from "../support/framing.ts";
import { ScriptedDuplex } from "../support/scripted_duplex.ts";
import { ScriptedFace } from "../support/scripted_face.ts";
import { soon, turn } from "../support/within.ts";

/** What the peer does, and this end's reactor. */
interface Script {
  readonly bytes: Uint8Array;
  /** Where the bytes are cut into chunks. */
  readonly cuts: readonly number[];
  readonly end: "end" | "break" | "close" | "drain";
  /** For the messages in turn: what the reactor does. */
  readonly answers:
    readonly ("nothing" | "send" | "wait" | "wait and send" | "disconnect" | "throw")[];
  /** For the writes in turn. */
  readonly takes: readonly ("at once" | "later")[];
  readonly maxQueuedMessages: number;
  readonly maxPipelinedBytes: number;
}

/** How it went, as far as both faces must agree. */
interface Outcome {
  readonly received: readonly string[];
  readonly written: number[];
  readonly reason: string;
  readonly failed: boolean;
}

const piece = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.array(fc.nat(255), { maxLength: 12 }).map((body) => [body.length, ...body]),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 2, max: 20 }).map((
      count,
    ) => [SKIP, count, ...new Array(count - 2).fill(7)]),
  },
  { weight: 1, arbitrary: fc.constant([INVALID]) },
  { weight: 1, arbitrary: fc.constant([90, 1, 2]) },
);

const script: fc.Arbitrary<Script> = fc.record({
  bytes: fc.array(piece, { maxLength: 12 }).map((pieces) => Uint8Array.from(pieces.flat())),
  cuts: fc.array(fc.nat(60), { maxLength: 8 }),
  end: fc.constantFrom("end", "end", "break", "close", "drain"),
  answers: fc.array(
    fc.constantFrom("nothing", "send", "send", "wait", "wait and send", "disconnect", "throw"),
    { minLength: 1, maxLength: 8 },
  ),
  takes: fc.array(fc.constantFrom("at once", "later"), { minLength: 1, maxLength: 4 }),
  maxQueuedMessages: fc.integer({ min: 1, max: 4 }),
  maxPipelinedBytes: fc.constantFrom(0, 8),
});

test("faces: for any bytes, chunks, pauses and end, both deliver the same", async () => {
  await fc.assert(
    fc.asyncProperty(script, async (script) => {
      const [turns, streams] = await Promise.all([byTurns(script), byStreams(script)]);
      // How much had been written before an error drops the rest is a matter of time.
      if (turns.failed) turns.written.length = streams.written.length = 0;
      assertEquals(turns, streams);
    }),
    { numRuns: 100 },
  );
});

async function byTurns(script: Script): Promise<Outcome> {
  const duplex = new ScriptedFace(cycle(script.takes));
  const result = await play(script, duplex, {
    arrive: (chunk) => duplex.arrive(chunk),
    end: () => duplex.arrive("end"),
    break: () => duplex.break(broken()),
    written: () => duplex.chunks,
  });
  assertEquals(duplex.faults, []);
  return result;
}

function byStreams(script: Script): Promise<Outcome> {
  const duplex = new ScriptedDuplex();
  return play(script, duplex, {
    // Once it is over, a stream's controller takes nothing any more.
    arrive: (chunk) => duplex.events.includes("cancel") || duplex.arrive(...chunk),
    end: () => duplex.events.includes("cancel") || duplex.end(),
    break: () => duplex.break(broken()),
    written: () => duplex.chunks,
  });
}

interface Controls {
  arrive(chunk: Uint8Array): unknown;
  end(): unknown;
  break(): void;
  written(): Uint8Array[];
}

async function play(
  script: Script,
  duplex: ConstructorParameters<typeof Connection>[0],
  peer: Controls,
): Promise<Outcome> {
  const received: string[] = [];
  const next = cycle(script.answers);
  const reactor = (sender: Sender<number[]>): Reactor<number[]> => ({
    onInboundMessage(message, bytes) {
      received.push(`${message} (${bytes})`);
      switch (next()) {
        case "send":
          return sender.send(message);
        case "wait":
          return turn();
        case "wait and send":
          return turn().then(() => sender.send(message));
        case "disconnect":
          return "disconnect";
        case "throw":
          throw new Error("thrown by the reactor");
      }
    },
  });
  const { maxQueuedMessages, maxPipelinedBytes } = script;
  const connection = new Connection(duplex, {
    codec: framesCodec(),
    reactor,
    maxQueuedMessages,
    maxPipelinedBytes,
  });
  for (const chunk of cut(script.bytes, script.cuts)) {
    peer.arrive(chunk);
    await settled();
  }
  if (script.end === "close") connection.close();
  if (script.end === "drain") connection.drain();
  await settled();
  if (script.end === "break") peer.break();
  else peer.end();
  const reason = await soon(connection.closed, "the end");
  await settled();
  return {
    received,
    written: [...concat(peer.written())],
    reason: described(reason),
    failed: reason.kind === "error",
  };
}

/** Enough turns for all that a chunk leads to. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 10; turns++) await turn();
}

function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set([0, ...cuts.filter((at) => at < bytes.length), bytes.length])]
    .sort((a, b) => a - b);
  return places.slice(1).map((end, at) => bytes.slice(places[at], end));
}

function cycle<T>(items: readonly T[]): () => T {
  let at = 0;
  return () => items[at++ % items.length]!;
}

function broken(): TransportError {
  return new TransportError("reset", "broken by the test");
}

function described(reason: CloseReason): string {
  return reason.kind === "error" ? `${reason.error.code}: ${reason.error.message}` : reason.kind;
}
