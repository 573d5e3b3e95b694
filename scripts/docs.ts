// Type-checks and runs the examples in the documentation: those in docs/ and in the source's
// comments. The README's are files of their own, which tests/project/readme_test.ts runs.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { type Elsewhere, type Example, examplesOf, tryElsewhere } from "./support/doc_examples.ts";
import { command, root } from "../tools/runtimes.ts";

const HELP = `Usage: npm run docs:test -- [file ...]

Type-checks and runs the examples in docs/*.md, mod.ts and src/ (or in the files given),
and prints how many there are. Deno runs them as they are. Those marked "ts ignore" are
written to files, type-checked, and run as the list in this script says and explains. Exits
with 1 if an example fails, or if the list and the marks differ.`;

const WORKERD = "needs workerd: \`npm run edge\` runs examples/cloudflare";

/** The files whose examples are marked "ts ignore". */
const ELSEWHERE: Readonly<Record<string, Elsewhere>> = {
  "src/adapters/bun.ts": { runtime: "bun", because: "Deno has no Bun.listen" },
  "src/adapters/websocket_bun.ts": { runtime: "bun", because: "Deno has no Bun.serve" },
  "src/adapters/cores.ts": { runtime: "deno", because: "each worker loads a file" },
  "src/adapters/message_port.ts": { runtime: "deno", because: "the worker is a file" },
  "src/adapters/cloudflare.ts": { because: WORKERD },
  "src/adapters/cloudflare/_hibernation.ts": { because: WORKERD },
  "docs/cloudflare.md": { because: WORKERD },
};

function sources(): string[] {
  const of = (folder: string, end: string) =>
    readdirSync(root + folder, { recursive: true, encoding: "utf8" })
      .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
      .filter((file) => file.endsWith(end))
      .sort();
  return ["mod.ts", ...of("src", ".ts"), ...of("docs", ".md")];
}

/** What the README shows has to be a file, since nothing else here would run it. */
function unshown(): string[] {
  const blocks = readFileSync(`${root}README.md`, "utf8").matchAll(/(.*)\n\n```ts\n/g);
  return [...blocks].filter(([, before]) => !/^<!-- examples\/\S+ -->$/.test(before!))
    .map(([, before]) => `README.md has an example that is no file of examples/, below: ${before}`);
}

/** The files on which the list and the marks differ. */
function mislisted(files: readonly string[], ignored: ReadonlyMap<string, unknown>): string[] {
  return files.filter((file) => file in ELSEWHERE !== ignored.has(file)).map((file) =>
    file in ELSEWHERE
      ? `${file} has no example marked "ts ignore" any more: scripts/docs.ts lists it`
      : `${file} has an example marked "ts ignore", and scripts/docs.ts does not tell why`
  );
}

/** Runs on Deno what is not marked. */
function runHere(files: readonly string[], expected: number): { ran: number; failures: string[] } {
  const { status, stdout, stderr } = spawnSync(
    command("deno"),
    ["test", "--doc", "-A", "--quiet", ...files],
    {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
      timeout: 120_000,
    },
  );
  const ran = Number(/(\d+) passed/.exec(stdout)?.[1] ?? 0);
  if (status !== 0) return { ran, failures: [stdout + stderr] };
  const lost = ran === expected ? [] : [`${expected} examples were found, but ${ran} were run`];
  return { ran, failures: lost };
}

function main(given: string[]): number {
  const files = given.length > 0 ? given : sources();
  const found = new Map(files.map((file) => [file, examplesOf(file)]));
  const marked = (ignored: boolean) =>
    new Map(
      [...found]
        .map(([file, all]): [string, Example[]] => [
          file,
          all.filter((example) => example.ignored === ignored),
        ])
        .filter(([, some]) => some.length > 0),
    );
  const [here, ignored] = [marked(false), marked(true)];
  const count = (examples: ReadonlyMap<string, Example[]>) => [...examples.values()].flat().length;
  if (count(found) === 0) {
    console.error(`There is no example in ${files.join(", ")}`);
    return 1;
  }
  const gone = given.length > 0 ? [] : Object.keys(ELSEWHERE).filter((file) => !found.has(file));
  const run = here.size > 0 ? runHere([...here.keys()], count(here)) : { ran: 0, failures: [] };
  const tried = ignored.size > 0 ? tryElsewhere(ignored, ELSEWHERE) : { ran: 0, failures: [] };
  const failures = [
    ...unshown(),
    ...mislisted(files, ignored),
    ...gone.map((file) => `scripts/docs.ts lists ${file}, which is not there`),
    ...run.failures,
    ...tried.failures,
  ];
  for (const failure of failures) console.error(failure);
  const ok = failures.length === 0;
  console.log(
    `${ok ? "ok    " : "FAILED"} examples: ${run.ran} of ${count(here)} run on Deno; ` +
      `${count(ignored)} checked, ${tried.ran} files of which were run elsewhere`,
  );
  return ok ? 0 : 1;
}

const args = process.argv.slice(2);
if (args.includes("--help")) console.log(HELP);
else process.exitCode = main(args);
