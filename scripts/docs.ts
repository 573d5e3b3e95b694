// Type-checks and runs the examples in the documentation: those in docs/ and in the source's
// comments. The README's are files of their own, which tests/readme_test.ts runs.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { command, root } from "./support/runtimes.ts";

const HELP = `Usage: npm run docs:test -- [file ...]

Type-checks and runs the examples of docs/*.md, mod.ts and src/ (or of the files given) on
Deno, and prints how many. An example marked "ts ignore" is counted and left out: it needs
what is not here, such as generated code or another runtime. Exits with 1 if one fails.`;

function sources(): string[] {
  const of = (folder: string, end: string) =>
    readdirSync(root + folder, { recursive: true, encoding: "utf8" })
      .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
      .filter((file) => file.endsWith(end))
      .sort();
  return ["mod.ts", ...of("src", ".ts"), ...of("docs", ".md")];
}

/** How many examples a file has that are run, and that are not. */
function count(file: string): { run: number; ignored: number } {
  const text = readFileSync(root + file, "utf8");
  const prefix = file.endsWith(".md") ? "" : " \\*\\s+";
  const blocks = [...text.matchAll(new RegExp(`^\\s*${prefix}\`\`\`ts\\b(.*)$`, "gm"))];
  const ignored = blocks.filter(([, attributes]) => attributes!.includes("ignore")).length;
  return { run: blocks.length - ignored, ignored };
}

/** What the README shows has to be a file, since nothing else here would run it. */
function unshown(): number {
  const blocks = readFileSync(`${root}README.md`, "utf8").matchAll(/(.*)\n\n```ts\n/g);
  return [...blocks].filter(([, before]) => !/^<!-- examples\/\S+ -->$/.test(before!)).length;
}

function main(given: string[]): number {
  const files = given.length > 0 ? given : sources();
  let run = 0, ignored = 0;
  const tested = files.filter((file) => {
    const found = count(file);
    run += found.run;
    ignored += found.ignored;
    return found.run > 0;
  });
  if (unshown() > 0) {
    console.error("README.md has an example in TypeScript that is no file of examples/");
    return 1;
  }
  if (run === 0) {
    console.error(`There is no example to run in ${files.join(", ")}`);
    return 1;
  }
  const { status, stdout, stderr } = spawnSync(
    command("deno"),
    ["test", "--doc", "-A", "--quiet", ...tested],
    {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
      shell: process.platform === "win32",
      timeout: 120_000,
    },
  );
  const ran = Number(/(\d+) passed/.exec(stdout)?.[1] ?? 0);
  const ok = status === 0 && ran === run;
  if (!ok) {
    console.log(stdout, stderr);
    if (status === 0) console.error(`${run} examples were found, but ${ran} were run`);
  }
  console.log(`${ok ? "ok    " : "FAILED"} examples: ${ran} of ${run} run, ${ignored} not run`);
  return ok ? 0 : 1;
}

const args = process.argv.slice(2);
if (args.includes("--help")) console.log(HELP);
else process.exitCode = main(args);
