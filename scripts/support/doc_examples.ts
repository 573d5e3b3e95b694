// The examples in the documentation, and how those are tried that `deno test --doc` leaves out.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path/posix";
import process from "node:process";
import { command, root, runArgs, type Runtime } from "../../tools/runtimes.ts";

/** A block of TypeScript in a guide or in a comment. */
export interface Example {
  /** The file, or a name such as `echo.ts` that begins the example's title. */
  readonly name: string;
  readonly ignored: boolean;
  readonly code: string;
}

/** Finds the examples of a file. */
export function examplesOf(file: string): Example[] {
  const text = readFileSync(root + file, "utf8");
  const markdown = file.endsWith(".md") ? text : text.replaceAll(/^ *\* ?/gm, "");
  const blocks = markdown.matchAll(/(?:^@example (.*)\n)?^```ts\b(.*)\n([^]*?)^```$/gm);
  return [...blocks].map(([, title, attributes, code], index) => ({
    name: /^[a-z_]+\.ts\b/.exec(title ?? "")?.[0] ?? `example_${index}.ts`,
    ignored: attributes!.includes("ignore"),
    code: code!,
  }));
}

/** Where and why the examples of a file that are marked "ts ignore" run. */
export interface Elsewhere {
  /** The runtime that runs the first of them; else they are checked only. */
  readonly runtime?: Runtime;
  readonly because: string;
}

function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, [...args], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
    timeout: 60_000,
  });
  return status === 0 ? "" : `${stdout}${stderr}${error ?? ""}`;
}

/**
 * Makes files of examples, type-checks them with Deno, and runs one of each file that has a
 * runtime. Returns how many were run, and what went wrong.
 */
export function tryElsewhere(
  files: ReadonlyMap<string, readonly Example[]>,
  elsewhere: Readonly<Record<string, Elsewhere>>,
): { ran: number; failures: string[] } {
  // Within the repository, where the package's own name is known.
  const folder = relative(root, mkdtempSync(`${root}.docs-`));
  const failures: string[] = [];
  let ran = 0;
  try {
    const written = new Map(
      [...files].map(([file, examples]) => [file, write(join(folder, file), file, examples)]),
    );
    failures.push(run(command("deno"), ["check", "--quiet", ...[...written.values()].flat()]));
    for (const [file, [first]] of written) {
      const runtime = elsewhere[file]?.runtime;
      if (!runtime) continue;
      failures.push(run(command(runtime), runArgs(runtime, first!, [])));
      ran++;
    }
  } finally {
    rmSync(root + folder, { recursive: true });
  }
  return { ran, failures: failures.filter((failure) => failure !== "") };
}

/** Writes the examples of a file; what they import from above stays where it is. */
function write(folder: string, file: string, examples: readonly Example[]): string[] {
  mkdirSync(root + folder, { recursive: true });
  return examples.map(({ name, code }) => {
    const path = join(folder, name);
    const moved = code.replaceAll(
      /(?<= from ")\.\.\/[^"]+/g,
      (path) => relative(folder, join(dirname(file), path)),
    );
    writeFileSync(root + path, moved);
    return path;
  });
}
