// Checks that what ships depends on no more than it declares, and that no advisories are known.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { build } from "esbuild";
import { entryPoints, npmPackageJson, readDenoJson } from "./support/npm_package.ts";
import { command, root } from "../tools/runtimes.ts";

const HELP = `Usage: npm run audit

Lists the packages that each entry point imports, and asks the registry, through npm and
through Deno, for security advisories about them. Exits with 1 if an entry point imports a
package that it should not, or if there is an advisory. If the registry provides no
advisories, that part is skipped, and the output says why.`;

/** What an entry point may import besides @std/bytes. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "./protobuf-es": ["@bufbuild/protobuf"],
  "./ts-proto": ["@bufbuild/protobuf"],
  "./services-protobuf-es": ["@bufbuild/protobuf"],
  "./services-ts-proto": ["@bufbuild/protobuf"],
  "./websocket-node": ["ws"],
  // Loaded with `proxyProtocol` only.
  "./websocket-deno": ["ws"],
  "./websocket-bun": ["ws"],
  "./otel": ["@opentelemetry/api"],
};

/** The packages that a module imports, directly or indirectly. */
async function packagesOf(source: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [root + source],
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    external: ["@std/*", "cloudflare:*"],
    write: false,
    metafile: true,
  });
  const imports = Object.values(metafile.outputs).flatMap(({ imports }) => imports);
  const names = imports.map(({ path }) => /^(@[^/]+\/)?[^/]+/.exec(path)![0])
    .filter((name) => !/^(node|cloudflare):/.test(name));
  return [...new Set(names)].sort();
}

async function count(): Promise<boolean> {
  let good = true;
  for (const { name, source } of entryPoints(readDenoJson())) {
    const packages = await packagesOf(source);
    const allowed = ["@std/bytes", ...ALLOWED[name] ?? []];
    const wrong = packages.filter((name) => !allowed.includes(name));
    if (wrong.length > 0) good = false;
    const verdict = wrong.length > 0 ? `FAILED: not ${wrong.join(", ")}` : "ok";
    console.log(`${name.padEnd(20)} ${packages.join(", ") || "nothing"}: ${verdict}`);
  }
  const { dependencies = {} } = npmPackageJson(readDenoJson());
  console.log(`the npm package: ${Object.keys(dependencies as object).length} dependencies`);
  return good;
}

/** Installs the optional peers as a user does, and asks for advisories. */
function advisories(): boolean {
  const project = mkdtempSync(join(tmpdir(), "protosocket-audit-"));
  try {
    const { peerDependencies } = npmPackageJson(readDenoJson());
    const dependencies = { ...peerDependencies as object };
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, dependencies }));
    run(project, "npm", ["install", "--no-fund", "--no-audit", "--ignore-scripts"]);
    run(project, command("deno"), ["install", "--quiet", "--node-modules-dir=manual"]);
    const npm = report(
      "npm audit",
      run(project, "npm", ["audit", "--omit=dev", "--loglevel=error"]),
    );
    const deno = report("deno audit", run(project, command("deno"), ["audit"]));
    return npm && deno;
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

function run(cwd: string, program: string, args: string[]): { status: number; output: string } {
  const shell = process.platform === "win32" && program === "npm";
  const env = { ...process.env, NO_COLOR: "1" };
  const result = spawnSync(program, args, { cwd, encoding: "utf8", shell, env });
  return {
    status: result.status ?? 1,
    output: `${result.stdout ?? ""}${result.stderr ?? result.error?.message ?? ""}`,
  };
}

function report(name: string, { status, output }: ReturnType<typeof run>): boolean {
  if (status === 0) {
    console.log(`${name}: ok`);
    return true;
  }
  // The registry refused or could not be reached; the output of an advisory looks different.
  const refused = /^.*(endpoint returned an error|error sending request|request to .* failed).*$/mi
    .exec(
      output,
    );
  console.log(refused ? `${name}: skipped: ${refused[0].trim()}` : `${name}: FAILED\n${output}`);
  return refused !== null;
}

if (process.argv.includes("--help")) {
  console.log(HELP);
} else {
  const counted = await count();
  if (!advisories() || !counted) process.exitCode = 1;
}
