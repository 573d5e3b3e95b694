// What each entry point of an installed package weighs in a bundle, and how much it may.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundlePage } from "../../examples/browser/bundle.ts";
import { root } from "../../tools/runtimes.ts";
import { bundle, checkBundle } from "./bundle.ts";
import { entryPoints, NPM_NAME, OPTIONAL_PEERS, readDenoJson } from "./npm_package.ts";
import { bundleWorker } from "./workerd.ts";

/** How large each entry point may be, gzipped, without its peer: a little above what it is. */
export const BUDGETS: Readonly<Record<string, number>> = {
  ".": 15_850,
  "./rpc": 33_850,
  "./sockets": 19_400,
  "./deno": 14_600,
  "./bun": 14_400,
  "./node": 13_750,
  "./websocket": 5_350,
  "./websocket-node": 10_900,
  "./websocket-deno": 11_950,
  "./websocket-bun": 12_050,
  "./dns": 2_150,
  "./cores": 3_100,
  "./message-port": 3_950,
  "./proxy-protocol": 3_600,
  "./cloudflare": 7_300,
  "./length-delimited": 1_600,
  "./lines": 1_450,
  "./json": 1_900,
  "./messagepack": 9_000,
  "./protobuf": 950,
  "./protobuf-es": 7_000,
  "./ts-proto": 4_750,
  "./otel": 2_000,
  "./services": 41_500,
  "./services-protobuf-es": 8_600,
  "./services-ts-proto": 10_850,
};

/** Entry points of one runtime. All others are for browsers and workers, too. */
const SERVER = /^\.\/(sockets|deno|bun|node|websocket-(deno|bun|node)|dns|cores)$/;

/**
 * What a client alone comes to, when a bundler leaves out what it does not use: from npm, where the
 * package says that its files have no side effects, and from JSR, where nothing says so.
 */
const CLIENTS: readonly [name: string, budget: number, parts: Readonly<Record<string, string>>][] =
  [
    ["the core with an rpc client", 15_950, { ".": "Connection", "./rpc": "RpcClient" }],
    ["an rpc client over a WebSocket", 19_600, { "./rpc": "RpcClient", "./websocket": "connect" }],
    ["a typed client over a WebSocket", 27_750, {
      "./services": "createClient, serviceClient",
      "./websocket": "connect",
    }],
    ["a typed client in plain TypeScript", 28_450, {
      "./services": "createClient, defineService, serviceClient",
      "./websocket": "connect",
    }],
  ];

const WORKER = "examples/cloudflare/worker.ts";

/** Programs of the examples, gzipped, with the protobuf library: a little above what they are. */
const PROGRAMS: Readonly<
  Record<string, readonly [name: string, budget: number, made: () => Promise<Uint8Array>]>
> = {
  edge: [WORKER, 52_800, () => bundleWorker(WORKER, {}, true)],
  browser: ["the page of examples/browser", 54_000, bundlePage],
};

/** Bundles a program of the examples, from this repository; tells of it. */
export async function checkProgram(which: "edge" | "browser"): Promise<boolean> {
  const [name, budget, made] = PROGRAMS[which]!;
  return checkBundle(name, await made(), budget);
}

/** Bundles each entry point, clients, and programs, in a project that has the package; tells of each. */
export async function checkSizes(project: string): Promise<boolean[]> {
  const results: boolean[] = [];
  const check = async (name: string, budget: number, code: string, server = false) => {
    const file = join(project, "bundle.mjs");
    writeFileSync(file, code);
    const external = ["cloudflare:sockets", ...OPTIONAL_PEERS];
    try {
      const bytes = await bundle(file, { external, minify: true, server });
      results.push(checkBundle(`bundle of ${name}`, bytes, budget, server));
    } catch (error) {
      console.log(`FAILED bundle of ${name}: ${(error as Error).message}`);
      results.push(false);
    }
  };
  const source = (name: string) => `"${NPM_NAME}${name.slice(1)}"`;
  const entries = entryPoints(readDenoJson());
  for (const { name } of entries) {
    // One that has no budget fails.
    const budget = BUDGETS[name] ?? 0;
    await check(
      NPM_NAME + name.slice(1),
      budget,
      `export * from ${source(name)};`,
      SERVER.test(name),
    );
  }
  const jsr = (name: string) =>
    JSON.stringify(root + entries.find((entry) => entry.name === name)!.source);
  for (const [name, budget, parts] of CLIENTS) {
    for (const [place, from] of [["npm", source], ["JSR", jsr]] as const) {
      const exports = Object.entries(parts).map(([entry, what]) =>
        `export { ${what} } from ${from(entry)};`
      );
      await check(`${name}, from ${place}`, budget, exports.join("\n"));
    }
  }
  for (const which of ["edge", "browser"] as const) results.push(await checkProgram(which));
  return results;
}
