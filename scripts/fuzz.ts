// Fuzzes the decoders, both ends of RPCs, message ports, and PROXY protocol headers.
import process from "node:process";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { SUBJECTS } from "../tests/fuzz/codecs.ts";
import { allocatesLittle, decodesAlike } from "../tests/fuzz/decoders.ts";
import { portHolds } from "../tests/fuzz/ports.ts";
import { headerHolds, headerIsRead } from "../tests/fuzz/proxy.ts";
import { clientHearsAll, serverAnswersAll } from "../tests/fuzz/rpc.ts";

const HELP = `Usage: npm run fuzz -- [options]

Feeds random bytes, in random pieces, to every decoder, and random messages to RPC clients
and servers, to message ports and to the parser of PROXY headers. Prints the seed of each step. A failure is printed with
the smallest input that fails, and the path to reproduce it.

  --runs N    how many inputs in total (default 1100000)
  --seed N    the first seed; further ones count up from it (default: from the clock)
  --only TEXT runs only the parts with TEXT in their names
  --help      this text`;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1100000" },
    seed: { type: "string" },
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});

interface Part {
  readonly name: string;
  readonly property: fc.IAsyncProperty<unknown>;
  /** Its share of all inputs. An RPC input is a whole conversation, and takes milliseconds. */
  readonly share: number;
}

const PARTS: Part[] = [
  ...SUBJECTS.map((subject): Part[] => [
    { name: `${subject.name} in pieces`, property: erased(decodesAlike(subject)), share: 10 },
    { name: `${subject.name} in memory`, property: erased(allocatesLittle(subject)), share: 3 },
  ]).flat(),
  { name: "rpc server", property: serverAnswersAll(), share: 1 },
  { name: "rpc client", property: clientHearsAll(), share: 1 },
  { name: "message port", property: erased(portHolds()), share: 1 },
  { name: "proxy header in pieces", property: erased(headerHolds()), share: 3 },
  { name: "proxy header made and read", property: erased(headerIsRead()), share: 1 },
];

function erased<T>(property: fc.IAsyncProperty<T>): fc.IAsyncProperty<unknown> {
  return property as fc.IAsyncProperty<unknown>;
}

/** Inputs per step; a line is printed after each step. */
const STEP = 20_000;

/** Runs one part; returns whether it held. */
async function run({ name, property }: Part, runs: number, seed: number): Promise<boolean> {
  const started = performance.now();
  for (let done = 0; done < runs;) {
    const numRuns = Math.min(STEP, runs - done);
    // The same seed and another offset would try the same inputs again.
    const stepSeed = seed + done;
    const result = await fc.check(property, { seed: stepSeed, numRuns });
    done += result.numRuns;
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const state = result.failed ? "FAILED" : "ok    ";
    console.log(`${state} ${name}: ${done} of ${runs}, seed ${stepSeed}, ${seconds} s`);
    if (!result.failed) continue;
    console.log(fc.defaultReportMessage(result));
    console.log((result as { errorInstance?: unknown }).errorInstance);
    return false;
  }
  return true;
}

function natural(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name} must be a whole number, not ${text}`);
}

if (values.help) {
  console.log(HELP);
} else {
  const total = natural("runs", values.runs);
  const seed = natural("seed", values.seed ?? String(Date.now() % 2 ** 30));
  const parts = PARTS.filter(({ name }) => name.includes(values.only));
  if (parts.length === 0) throw new Error(`No part has ${values.only} in its name`);
  const shares = parts.reduce((sum, { share }) => sum + share, 0);
  let inputs = 0;
  for (const [i, part] of parts.entries()) {
    const runs = Math.ceil(total * part.share / shares);
    if (!await run(part, runs, (seed + i * 2 ** 20) % 2 ** 31)) process.exitCode = 1;
    inputs += runs;
  }
  console.log(`${inputs} inputs, ${process.exitCode ? "something" : "nothing"} found`);
}
