// Tests the npm package as its users get it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { entryPoints, NPM_NAME, readDenoJson } from "./support/npm_package.ts";
import { command, packaged, root, RUNTIMES } from "./support/runtimes.ts";
import { format } from "./support/test_runs.ts";

const HELP = `Usage: npm run consumers

Builds the npm package, packs it, installs it into an empty project and there imports
every entry point and makes an rpc on Node, Bun and Deno, type-checks a consumer, runs
publint and attw, and bundles the entry points of browsers and workers, whose sizes it
prints. Exits with 1 if anything fails.`;

/** Entry points for browsers and edge runtimes, and how large each may be, gzipped: a little above what it is. */
const BUDGETS: Readonly<Record<string, number>> = {
  ".": 7_000,
  "./rpc": 13_500,
  "./length-delimited": 1_300,
  "./lines": 1_200,
  "./json": 1_200,
  "./messagepack": 4_600,
  "./protobuf": 800,
  "./message-port": 4_000,
  "./cloudflare": 5_500,
  "./websocket": 5_000,
};

/** What a client alone comes to, when a bundler leaves out what it does not use. */
const CLIENTS: readonly [name: string, budget: number, parts: Readonly<Record<string, string>>][] =
  [
    ["the core with an rpc client", 8_000, { ".": "Connection", "./rpc": "RpcClient" }],
    ["an rpc client over a WebSocket", 10_000, { "./rpc": "RpcClient", "./websocket": "connect" }],
  ];

/** What "current" is of Node. */
const NODE = "26.10.0";

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

async function consume(project: string): Promise<void> {
  const node = command("node");
  const names = entryPoints(readDenoJson()).map(({ name }) => NPM_NAME + name.slice(1));
  if (!step("build", root, "npm", ["run", "build:npm"])) return;
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
    ...["@types/node", "@types/ws"],
  ];
  const install = ["install", ...packages, `typescript@${version}`];
  if (!step("npm install of the tarball", project, "npm", install)) return;

  const imports = names.map((name, i) => `import * as _${i} from "${name}";`).join("\n");
  const used = `console.log(${names.map((_, i) => `Object.keys(_${i}).length`).join(" + ")});`;
  writeFileSync(join(project, "all.ts"), `${imports}\n${used}\n`);
  writeFileSync(join(project, "all.mjs"), `${imports}\n${used}\n`);
  writeFileSync(join(project, "echo.mjs"), ECHO);
  for (const runtime of RUNTIMES) {
    const run = runtime === "deno" ? ["run", "-A", "--quiet"] : [];
    step(`every entry point on ${runtime}`, project, command(runtime), [...run, "all.mjs"]);
    step(`an echo rpc on ${runtime}`, project, command(runtime), [...run, "echo.mjs"]);
  }
  currentNode(project, names);
  for (const [resolution, module] of [["bundler", "preserve"], ["nodenext", "nodenext"]]) {
    step(`types, moduleResolution ${resolution}`, project, node, [
      join(project, "node_modules/typescript/bin/tsc"),
      ...["--noEmit", "--strict", "--target", "es2022", "--module", module!],
      ...["--lib", "es2023,dom,dom.iterable,dom.asynciterable,esnext.disposable"],
      ...["--moduleResolution", resolution!, "all.ts"],
    ]);
  }
  const source = (name: string) => `"${NPM_NAME}${name.slice(1)}"`;
  for (const [name, budget] of Object.entries(BUDGETS)) {
    await bundle(project, NPM_NAME + name.slice(1), `export * from ${source(name)};`, budget);
  }
  for (const [name, budget, parts] of CLIENTS) {
    const exports = Object.entries(parts).map(([from, what]) =>
      `export { ${what} } from ${source(from)};`
    );
    await bundle(project, name, exports.join("\n"), budget);
  }
}

/** The newest Node, from npm, which also lets CommonJS require what is ESM. */
function currentNode(project: string, names: readonly string[]): void {
  if (!step(`npm install of Node ${NODE}`, project, "npm", ["install", `node@${NODE}`])) return;
  const node = join(project, "node_modules/node/bin/node");
  step(`every entry point on Node ${NODE}`, project, node, ["all.mjs"]);
  step(`an echo rpc on Node ${NODE}`, project, node, ["echo.mjs"]);
  const requires = names.map((name) => `require("${name}");`).join("\n");
  writeFileSync(join(project, "all.cjs"), requires);
  step(`require() on Node ${NODE}`, project, node, ["all.cjs"]);
}

/** Bundles for a browser or a worker: what needs another runtime would fail here. */
async function bundle(
  project: string,
  name: string,
  contents: string,
  budget: number,
): Promise<void> {
  const { outputFiles, errors } = await build({
    stdin: { contents, resolveDir: project },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    external: ["cloudflare:sockets"],
    logLevel: "silent",
  }).catch((error) => ({ outputFiles: [], errors: [error] }));
  const code = outputFiles[0]?.contents ?? new Uint8Array();
  const size = gzipSync(code).length;
  const sizes = `${code.length} bytes minified, ${size} gzipped of ${budget}`;
  const clean = errors.length === 0 && !new TextDecoder().decode(code).includes("node:");
  check(`bundle of ${name}: ${sizes}`, clean && size <= budget, errors.map(String).join("\n"));
}

if (process.argv.includes("--help")) {
  console.log(HELP);
} else {
  const project = mkdtempSync(join(tmpdir(), "protosocket-consumer-"));
  try {
    await consume(project);
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
  console.log(format({ passed, failed, skipped: 0 }));
  if (failed > 0) process.exitCode = 1;
}
