// Tests the npm package as users install it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { entryPoints, NPM_NAME, readDenoJson } from "./support/npm_package.ts";
import { command, packaged, root, RUNTIMES } from "../tools/runtimes.ts";
import { type Command, runExamples, writeExamples } from "./support/readme_examples.ts";
import { checkSizes } from "./support/sizes.ts";
import { close } from "./support/test_runs.ts";

/** What "current" is of Node. */
const NODE = "26.10.0";

const HELP = `Usage: npm run consumers -- [--with dnt|tsc]

Builds the npm package, checks it with publint and attw, and installs it into an empty
project. There it imports every entry point and makes an RPC on Deno, Bun, this Node and
Node ${NODE}, runs the README's examples as printed, type-checks a consumer, and bundles every
entry point, clients, and the programs for edge and browser, whose sizes it prints and compares
with a budget. The package stays in npm/. Exits with 1 if anything fails.

  --with tsc       the package as \`npm run build:npm\` makes it (the default)
  --with dnt       as \`deno task build:npm\` makes it; needs JSR
  --help           this text`;

/** A server and a client, in the words of a user. */
const ECHO = `
import { connect, listen } from "${NPM_NAME}/node";
import { json } from "${NPM_NAME}/json";
import { RpcClient, serveRpc } from "${NPM_NAME}/rpc";

const message = {
  id: ({ id }) => id,
  setId: (message, id) => message.id = Number(id),
  code: ({ code = 0 }) => code,
  cancelled: (id) => ({ id: Number(id), code: 1 }),
  ended: (id) => ({ id: Number(id), code: 2 }),
};
const messages = { request: message, response: message };
const listener = await listen({ port: 0 });
const server = serveRpc(listener, { codec: json, messages, service: () => ({ text }) => ({ text }) });
const { port } = listener.address;
const client = new RpcClient(await connect({ port }), { codec: json(), messages });
const { text } = await client.unary({ text: "hello" }, { timeout: 10_000 });
if (text !== "hello") throw new Error("the echo is " + text);
await client.close();
await server.close();
`;

/** JavaScript of the package that is imported by its path keeps its types; dnt has a folder. */
const byPath = (folder: string) => {
  const { output } = entryPoints(readDenoJson()).find(({ name }) => name === "./json")!;
  return `import { json } from "${pathToFileURL(`${root}npm/${folder}${output}.js`)}";
const codec = json<{ text: string }>();
console.log(codec.encoder);
`;
};

let passed = 0;
let failed = 0;

/** Runs a command in a folder and counts whether it succeeds. */
function step(name: string, folder: string, program: string, args: readonly string[]): boolean {
  const { status, stdout, stderr, error } = spawnSync(program, [...args], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
    shell: process.platform === "win32" && program === "npm",
  });
  return check(name, status === 0, `${stdout}${stderr}${error ?? ""}`);
}

function check(name: string, ok: boolean, report: string): boolean {
  console.log(`${ok ? "ok    " : "FAILED"} ${name}`);
  ok ? passed++ : failed++;
  if (!ok) console.log(report);
  return ok;
}

/** The commands that build with each builder. */
const BUILDS: Readonly<Record<string, readonly [program: string, args: readonly string[]]>> = {
  tsc: ["npm", ["run", "build:npm"]],
  dnt: [command("deno"), ["run", "-A", "scripts/build_npm.ts", "--with", "dnt"]],
};

async function consume(project: string, builder: string): Promise<void> {
  const node = command("node");
  const names = entryPoints(readDenoJson()).map(({ name }) => NPM_NAME + name.slice(1));
  const [program, args] = BUILDS[builder]!;
  if (!step(`build with ${builder}`, root, program, args)) return;
  step("publint", `${root}npm`, node, [packaged("publint/src/cli.js"), "--strict"]);
  step("attw", `${root}npm`, node, [
    packaged("@arethetypeswrong/cli/dist/index.js"),
    ...["--pack", ".", "--profile", "esm-only"],
  ]);
  if (!step("npm pack", `${root}npm`, "npm", ["pack", "--pack-destination", project])) return;
  const tarball = readdirSync(project).find((file) => file.endsWith(".tgz"))!;
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const { version } = JSON.parse(
    readFileSync(`${root}node_modules/typescript/package.json`, "utf8"),
  );
  const packages = [
    ...[`./${tarball}`, "@bufbuild/protobuf", "@opentelemetry/api", "ws"],
    // The README's service has its schemas.
    ...["@types/node", "@types/ws", "zod"],
  ];
  const install = ["install", ...packages, `typescript@${version}`];
  if (!step("npm install of the tarball", project, "npm", install)) return;

  const imports = names.map((name, i) => `import * as _${i} from "${name}";`).join("\n");
  const used = `console.log(${names.map((_, i) => `Object.keys(_${i}).length`).join(" + ")});`;
  writeFileSync(join(project, "all.ts"), `${imports}\n${used}\n`);
  writeFileSync(join(project, "all.mjs"), `${imports}\n${used}\n`);
  writeFileSync(join(project, "echo.mjs"), ECHO);
  writeFileSync(join(project, "by_path.ts"), byPath(builder === "dnt" ? "esm/" : ""));
  const examples = writeExamples(project);
  check("the README's examples are there", examples.length === 4, examples.join(", "));
  for (const runtime of RUNTIMES) {
    const run = runtime === "deno" ? ["run", "-A", "--quiet"] : [];
    step(`every entry point on ${runtime}`, project, command(runtime), [...run, "all.mjs"]);
    step(`an echo rpc on ${runtime}`, project, command(runtime), [...run, "echo.mjs"]);
  }
  const current = currentNode(project, names);
  const runs: Record<string, Command> = {
    deno: [command("deno"), ["run", "-A", "--quiet"]],
    bun: [command("bun"), ["run"]],
    ...current && { [`Node ${NODE}`]: [current, []] },
  };
  for (const [runtime, run] of Object.entries(runs)) {
    const wrong = await runExamples(project, run);
    check(`the README's examples as printed, on ${runtime}`, wrong === "", wrong);
  }
  for (const [resolution, module] of [["bundler", "preserve"], ["nodenext", "nodenext"]]) {
    step(`types, moduleResolution ${resolution}`, project, node, [
      join(project, "node_modules/typescript/bin/tsc"),
      ...["--noEmit", "--strict", "--target", "es2022", "--module", module!],
      ...["--lib", "es2023,dom,dom.iterable,dom.asynciterable,esnext.disposable"],
      ...["--moduleResolution", resolution!, "all.ts", ...examples],
    ]);
  }
  step("types on Deno, by name and by path", project, command("deno"), [
    ...["check", "--quiet", "by_path.ts", ...examples],
  ]);
  for (const ok of await checkSizes(project)) ok ? passed++ : failed++;
}

/** The newest Node, from npm, which also lets CommonJS require what is ESM. Returns its program. */
function currentNode(project: string, names: readonly string[]): string | undefined {
  if (!step(`npm install of Node ${NODE}`, project, "npm", ["install", `node@${NODE}`])) return;
  const node = join(project, "node_modules/node/bin/node");
  step(`every entry point on Node ${NODE}`, project, node, ["all.mjs"]);
  step(`an echo rpc on Node ${NODE}`, project, node, ["echo.mjs"]);
  const requires = names.map((name) => `require("${name}");`).join("\n");
  writeFileSync(join(project, "all.cjs"), requires);
  step(`require() on Node ${NODE}`, project, node, ["all.cjs"]);
  return node;
}

const { values } = parseArgs({
  options: {
    with: { type: "string", default: "tsc" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
} else if (!Object.hasOwn(BUILDS, values.with)) {
  console.error(`--with must be dnt or tsc, not ${values.with}`);
  process.exitCode = 1;
} else {
  const project = mkdtempSync(join(tmpdir(), "protosocket-consumer-"));
  try {
    await consume(project, values.with);
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
  close({ passed, failed, skipped: 0 });
}
