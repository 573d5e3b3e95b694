// What holds of a message port's end, whatever the other end posts.
import fc from "fast-check";
import { TransportError } from "@protosocket/protosocket";
import { portDuplex } from "@protosocket/protosocket/message-port";
import { End } from "../support/end.ts";
import { soon } from "../support/within.ts";

const WINDOW = 1000;

const length = fc.oneof(
  fc.integer({ min: 1, max: 400 }),
  fc.constantFrom(0, 1001, 2 ** 30, 2 ** 31),
);
const frame = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 400 }).map((size) => new ArrayBuffer(size)) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("hello"), window: length, heard: fc.boolean() }),
  },
  fc.record({ kind: fc.constant("grant"), bytes: length }),
  fc.constantFrom("end", "end", "stop").map((kind) => ({ kind })),
  fc.record({ kind: fc.constant("abort"), message: fc.oneof(fc.string(), fc.nat()) }),
  fc.anything(),
);

/** What must come of messages of which nothing is read until all are there, and nothing is written. */
interface Expected {
  readonly bytes: number;
  readonly state: "open" | "ended" | "broken";
}

function expected(messages: readonly unknown[]): Expected {
  let [bytes, hellos, ended] = [0, 0, false];
  const broken: Expected = { bytes: 0, state: "broken" };
  for (const message of messages) {
    if (message instanceof ArrayBuffer) {
      bytes += message.byteLength;
      if (message.byteLength === 0 || ended || bytes > WINDOW) return broken;
      continue;
    }
    const { kind, window, heard } = Object(message);
    if (kind === "hello") {
      if (!fits(window) || typeof heard !== "boolean" || ++hellos > 2) return broken;
    } else if (kind === "end" && !ended) ended = true;
    // A grant is for what was sent, and nothing is. A stop matters to who sends.
    else if (kind !== "stop") return broken;
  }
  return { bytes, state: ended ? "ended" : "open" };
}

function fits(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 2 ** 30;
}

/** Each byte that came by the rules is read, and the first message that breaks them is an error of ours. */
export function portHolds(): fc.IAsyncPropertyWithHooks<[unknown[]]> {
  return fc.asyncProperty(fc.array(frame, { maxLength: 12 }), async (messages) => {
    const { port1, port2 } = new MessageChannel();
    const end = new End(portDuplex(port1, { window: WINDOW }));
    try {
      const posted = messages.filter((message) => {
        try {
          port2.postMessage(message);
          return true;
        } catch {
          // It cannot be cloned.
          return false;
        }
      });
      const { bytes, state } = expected(posted);
      if (state === "broken") {
        const broken = new Promise<unknown>((resolve) => {
          for (const { closed } of [end.reader, end.writer]) closed.catch(resolve);
        });
        const error = await soon(broken, "the error");
        if (!(error instanceof TransportError)) throw new Error(`It ended with ${error}`);
      } else if (state === "ended") {
        const { length } = await end.readAll();
        if (length !== bytes) throw new Error(`${length} of ${bytes} bytes were read`);
      } else if (bytes > 0) {
        await end.readExactly(bytes);
      }
    } finally {
      end.drop();
      port2.close();
    }
  });
}
