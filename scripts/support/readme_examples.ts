// The examples of the README that is in the npm package, as printed, in a project that has it.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { NPM_NAME } from "./npm_package.ts";

/** How long a program may take, in milliseconds. */
const LIMIT = 60_000;

/** A command that runs a program, given its file. */
export type Command = readonly [program: string, args: readonly string[]];

/** Writes the README's examples into the project; returns their files. */
export function writeExamples(project: string): string[] {
  const readme = readFileSync(join(project, "node_modules", NPM_NAME, "README.md"), "utf8");
  const shown = readme.matchAll(/<!-- examples\/quick_start\/(\S+) -->\n\n```ts\n([^]*?\n)```\n/g);
  return [...shown].map(([, file, code]) => {
    writeFileSync(join(project, file!), code!);
    return file!;
  });
}

/** Runs the server and the client, the RPC, and the service. Returns what went wrong, or nothing. */
export async function runExamples(project: string, command: Command): Promise<string> {
  const server = start(project, command, "server.ts");
  try {
    await within(server, Promise.race([server.spoke, server.ended]));
    const client = start(project, command, "client.ts");
    await within(client, client.ended);
    if (!/^hello\n/.test(client.said())) return `${client.said()}\n${server.said()}`;
  } finally {
    server.child.kill();
    await server.ended;
  }
  for (
    const [file, says] of [["rpc.ts", /^hello, world\n$/], [
      "services.ts",
      /\nBOND 200\n$/,
    ]] as const
  ) {
    const program = start(project, command, file);
    await within(program, program.ended);
    if (!says.test(program.said())) return program.said();
  }
  return "";
}

interface Program {
  readonly child: ChildProcess;
  /** All that it has printed. */
  said(): string;
  readonly spoke: Promise<void>;
  readonly ended: Promise<void>;
}

function start(project: string, [program, args]: Command, file: string): Program {
  const child = spawn(program, [...args, file], {
    cwd: project,
    env: { ...process.env, NO_COLOR: "1", NODE_NO_WARNINGS: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  let onSaid = () => {};
  const spoke = new Promise<void>((resolve) => onSaid = resolve);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      onSaid();
    });
  }
  const ended = new Promise<void>((resolve) => {
    child.on("close", () => resolve());
    child.on("error", (error) => {
      said += error;
      resolve();
    });
  });
  return { child, said: () => said, spoke, ended };
}

/** Waits, but kills a program that takes too long. */
async function within({ child }: Program, wait: Promise<void>): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT);
  await wait;
  clearTimeout(timer);
}
