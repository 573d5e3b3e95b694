// A connection delivers the same over both faces of a duplex: the synchronous one and the streams.
import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import fc from "fast-check";
import { test } from "node:test";
import {
  type CloseReason,
  Connection,
  type Duplex,
  duplexPair,
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
  /** After the chunks in turn: how long until the next one. */
  readonly pauses: readonly ("none" | "a turn" | "until nothing more happens")[];
  readonly end: "end" | "break" | "close" | "drain";
  /** For the messages in turn, and then for the peer's end: what the reactor does. */
  readonly answers:
    readonly ("nothing" | "send" | "wait" | "wait and send" | "disconnect" | "throw")[];
  /** For the writes in turn. */
  readonly takes: readonly ("at once" | "later")[];
  readonly maxQueuedMessages: number;
  readonly maxPipelinedBytes: number;
  /** How a pair in memory cuts the bytes once more, and what it holds. */
  readonly chunkSize: number;
  readonly capacity: number;
}

/** How it went, as far as both faces must agree. */
interface Outcome {
  /** What the reactor was told, in order. */
  readonly told: readonly string[];
  readonly written: number[];
  readonly reason: string;
}

/** A duplex, and what its other end does. */
interface Ends {
  readonly duplex: Duplex;
  arrive(chunk: Uint8Array): unknown;
  end(): unknown;
  break(): unknown;
  /** What this end has sent so far. */
  written(): Uint8Array[];
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
  pauses: fc.array(fc.constantFrom("none", "a turn", "until nothing more happens"), {
    minLength: 1,
    maxLength: 4,
  }),
  end: fc.constantFrom("end", "end", "break", "close", "drain"),
  answers: fc.array(
    fc.constantFrom("nothing", "send", "send", "wait", "wait and send", "disconnect", "throw"),
    { minLength: 1, maxLength: 8 },
  ),
  takes: fc.array(fc.constantFrom("at once", "later"), { minLength: 1, maxLength: 4 }),
  maxQueuedMessages: fc.integer({ min: 1, max: 4 }),
  maxPipelinedBytes: fc.constantFrom(0, 8),
  chunkSize: fc.integer({ min: 1, max: 40 }),
  capacity: fc.integer({ min: 1, max: 40 }),
});

test("faces: for any bytes, chunks, pauses and end, both deliver the same", async () => {
  await fc.assert(
    fc.asyncProperty(script, async (script) => {
      const byTurns = scriptedFace(script);
      const outcomes = await Promise.all([
        play(script, byTurns),
        play(script, scriptedStreams(script)),
        play(script, inMemory(script)),
        play(script, inMemory(script), true),
      ]);
      assertEquals(byTurns.duplex.faults, []);
      for (const other of outcomes) assertEquals(other, outcomes[0]);
    }),
    { numRuns: 100 },
  );
});

/** A transport with the synchronous face alone. */
function scriptedFace(script: Script): Ends & { readonly duplex: ScriptedFace } {
  const duplex = new ScriptedFace(cycle(script.takes));
  return {
    duplex,
    arrive: (chunk) => duplex.arrive(chunk),
    end: () => duplex.arrive("end"),
    break: () => duplex.break(new TransportError("reset", "broken by the test")),
    written: () => duplex.chunks,
  };
}

/** One that is a pair of streams. */
function scriptedStreams(script: Script): Ends {
  const duplex = new ScriptedDuplex(cycle(script.takes));
  // Once it is over, a stream's controller takes nothing any more.
  const over = () => duplex.events.includes("cancel");
  return {
    duplex,
    arrive: (chunk) => over() || duplex.arrive(...chunk),
    end: () => over() || duplex.end(),
    break: () => duplex.break(new TransportError("reset", "broken by the test")),
    written: () => duplex.chunks,
  };
}

/** One that has both faces. */
function inMemory({ chunkSize, capacity }: Script): Ends {
  const [duplex, peer] = duplexPair({ chunkSize, capacity });
  const writer = peer.writable.getWriter();
  const written: Uint8Array[] = [];
  const ignore = () => {};
  writer.closed.catch(ignore);
  peer.readable.pipeTo(new WritableStream({ write: (chunk) => void written.push(chunk) }))
    .catch(ignore);
  return {
    duplex,
    arrive: (chunk) => writer.write(chunk).catch(ignore),
    end: () => writer.close().catch(ignore),
    break: () => writer.abort().catch(ignore),
    written: () => written,
  };
}

async function play(script: Script, peer: Ends, streams = false): Promise<Outcome> {
  const told: string[] = [];
  const next = cycle(script.answers);
  const reactor = (sender: Sender<number[]>): Reactor<number[]> => {
    const answer = (message: number[]) => {
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
    };
    return {
      onInboundMessage(message, bytes) {
        told.push(`${message} (${bytes})`);
        return answer(message);
      },
      async onInboundEnd() {
        told.push("the peer's end");
        await answer([1, 2, 3]);
      },
      onClosing: () => void told.push("closing"),
      onClose: (reason) => void told.push(described(reason)),
    };
  };
  const { maxQueuedMessages, maxPipelinedBytes } = script;
  const connection = new Connection(peer.duplex, {
    codec: framesCodec(),
    reactor,
    maxQueuedMessages,
    maxPipelinedBytes,
    streams,
  });
  const settled = () => quiet(() => told.length + peer.written().length);
  const pause = cycle(script.pauses);
  for (const chunk of cut(script.bytes, script.cuts)) {
    peer.arrive(chunk);
    const length = pause();
    if (length === "a turn") await turn();
    else if (length !== "none") await settled();
  }
  // How much this end still takes of what is on its way is a matter of time.
  if (script.end !== "end") await settled();
  if (script.end === "close") connection.close();
  if (script.end === "drain") connection.drain();
  if (script.end === "close" || script.end === "drain") await settled();
  if (script.end === "break") peer.break();
  else peer.end();
  const reason = await soon(connection.closed, "the end");
  await settled();
  // And so is how much has been written before an error drops the rest.
  const written = reason.kind === "error" ? [] : [...concat(peer.written())];
  return { told, written, reason: described(reason) };
}

/** Waits until a figure has not changed for more turns than anything here takes. */
async function quiet(figure: () => number): Promise<void> {
  for (let turns = 0, last = figure(); turns < 6; turns++) {
    await turn();
    if (figure() === last) continue;
    turns = 0;
    last = figure();
  }
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

/** Each transport tells in its own words that it broke, and shows bytes as far as they are there. */
function described(reason: CloseReason): string {
  if (reason.kind !== "error") return reason.kind;
  const { error } = reason;
  if (error instanceof TransportError) return error.code;
  return `${error.code}: ${error.message.replace(/; the first bytes are .*/, "")}`;
}
