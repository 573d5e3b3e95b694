// The folders of the source, and which may import which.
import { assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string) => readFileSync(root + file, "utf8");
const json = (file: string) => JSON.parse(read(file));

/** Every import of some files, as [importing file, imported]. */
function importsOf(files: readonly string[]): [from: string, to: string][] {
  return files.flatMap((from) =>
    [...read(from).matchAll(/^(?:import|export)[^;]*? from "([^"]+)";/gm)].map((
      [, to],
    ): [string, string] => [from, to!.startsWith(".") ? join(dirname(from), to!) : to!])
  );
}

function sources(folder = "src"): string[] {
  return readdirSync(root + folder, { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith(".ts") && !file.includes("/node_modules/"));
}

/** The imports of the library's own source. */
const imports = importsOf(["mod.ts", ...sources()]);

/** The imports of files that match `from`, other than those that match `allowed`. */
function others(from: RegExp, allowed: RegExp): string[] {
  return imports
    .filter(([file, to]) => from.test(file) && !allowed.test(to))
    .map(([file, to]) => `${file} imports ${to}`);
}

/** The rooms of the core, from the bottom up: a room imports itself and those before it. */
const FLOORS = ["", "waits", "streams", "duplex", "connection", "server"];
const floor = (file: string) => FLOORS.indexOf(dirname(file).slice("src/".length));
const LEAVES = "check|codec|errors|ip_networks|options|socket_address|user_callback";

test("the core imports itself and @std/bytes only", () => {
  const core = `src/(${FLOORS.slice(1).join("|")})?/?[^/]+\\.ts`;
  assertEquals(others(RegExp(`^(mod\\.ts|${core})$`), RegExp(`^(${core}|@std/bytes)$`)), []);
});

test("no room of the core imports one above it", () => {
  // Types have circles: a codec writes into an EncodeBuffer, a reactor is told a CloseReason.
  const upward = imports.filter(([from, to]) =>
    floor(from) >= 0 && floor(to) > floor(from) && floor(from) > 0
  );
  assertEquals(upward, []);
});

test("adapters import the core's types, errors and waits only, and node: modules", () => {
  const allowed = RegExp(
    `^(src/(${LEAVES})\\.ts|src/(duplex|waits)/[a-z_]+\\.ts|src/server/address_key\\.ts|src/adapters/.*|node:.*|ws)$`,
  );
  assertEquals(others(/^src\/adapters\//, allowed), []);
});

test("the rooms of the adapters import themselves and base/, never an entry point", () => {
  const rooms: Record<string, string> = {
    websocket: "base|websocket",
    proxy: "base|proxy",
    sockets: "base|proxy|sockets",
    cloudflare: "base|websocket|cloudflare",
    port: "base|port",
    cores: "base|cores",
    base: "base",
  };
  for (const [room, allowed] of Object.entries(rooms)) {
    assertEquals(
      imports.filter(([from, to]) =>
        from.startsWith(`src/adapters/${room}/`) && to.startsWith("src/adapters/") &&
        !RegExp(`^src/adapters/(${allowed})/`).test(to)
      ),
      [],
    );
  }
});

test("codecs import the codec's types only, and their library", () => {
  const allowed =
    /^(src\/(check|codec|reason)\.ts|src\/streams\/encode_buffer\.ts|src\/codecs\/.*|@std\/bytes|@bufbuild\/protobuf(\/wire)?)$/;
  assertEquals(others(/^src\/codecs\//, allowed), []);
});

test("rpc imports the core's public names, the check of options, and queues", () => {
  assertEquals(
    others(
      /^src\/rpc\//,
      /^(mod\.ts|src\/(check|error_log|options|reason|user_callback)\.ts|src\/waits\/[a-z_]+\.ts|src\/rpc\/.*)$/,
    ),
    [],
  );
});

test("the client and the server of rpc do not know each other, nor the pool", () => {
  assertEquals(others(/^src\/rpc\/client\//, /^(?!src\/rpc\/(server|pool)\/)/), []);
  assertEquals(others(/^src\/rpc\/server\//, /^(?!src\/rpc\/(client|pool)\/)/), []);
});

test("telemetry imports the public names of the core, of rpc and of services, and its library", () => {
  const allowed =
    /^(mod\.ts|src\/rpc\/mod\.ts|src\/services\/mod\.ts|src\/telemetry\/.*|@opentelemetry\/api)$/;
  assertEquals(others(/^src\/telemetry\//, allowed), []);
});

test("services import the public names of the core and of rpc, leaves, and the codecs' helpers", () => {
  const allowed =
    /^(mod\.ts|src\/rpc\/(mod|made|reading|cancelling)\.ts|src\/(check|error_log|options|reason|user_callback)\.ts|src\/waits\/[a-z_]+\.ts|src\/codecs\/([a-z_]+\/)?[a-z][a-z0-9_]*\.ts|src\/services\/.*|@bufbuild\/protobuf(\/(wkt|wire))?)$/;
  assertEquals(others(/^src\/services\//, allowed), []);
});

test("a library for messages is imported by the entry points for it alone", () => {
  const strangers = imports.filter(([from, to]) =>
    from.startsWith("src/services/") && to.startsWith("@") &&
    !/\/(protobuf_es|reflection)\.ts$/.test(from)
  );
  assertEquals(strangers, []);
});

test("the client and the server of services do not know each other", () => {
  assertEquals(others(/^src\/services\/client\//, /^(?!src\/services\/server\/)/), []);
  assertEquals(others(/^src\/services\/server\//, /^(?!src\/services\/client\/)/), []);
});

/** The part of the source that a file belongs to: the core, or a folder beside its rooms. */
const part = (file: string) => floor(file) >= 0 ? "core" : file.split("/")[1];

test("a file _x.ts is private to its part: the core, adapters, codecs, rpc, services", () => {
  const strangers = imports.filter(([file, to]) =>
    /(^|\/)_[^/]+\.ts$/.test(to) && part(file) !== part(to)
  );
  assertEquals(strangers, []);
});

test("scripts and benches share tools only", () => {
  const strangers = [
    ...importsOf(sources("bench")).filter(([, to]) => /^(scripts|tests)\//.test(to)),
    // Scripts may draw plots as the benchmarks do.
    ...importsOf(sources("scripts")).filter(([, to]) => /^bench\/(?!run\/draw\.ts)/.test(to)),
    ...importsOf(sources("tools")).filter(([, to]) => !/^(node:|tools\/)/.test(to)),
  ];
  assertEquals(strangers, []);
});

test("no file of the source imports itself by way of others, not even types", () => {
  const found: string[][] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]) => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file]);
    if (at >= 0 || done.has(file)) return;
    for (const [from, to] of imports) if (from === file) walk(to, [...path, file]);
    done.add(file);
  };
  walk("mod.ts", []);
  for (const file of sources()) walk(file, []);
  assertEquals(found, []);
});

test("no folder has more than 15 files side by side, nor so many tests", () => {
  const files = [...sources(), ...sources("tests").filter((file) => file.endsWith("_test.ts"))];
  const counts: Record<string, number> = {};
  for (const file of files) counts[dirname(file)] = (counts[dirname(file)] ?? 0) + 1;
  assertEquals(Object.entries(counts).filter(([, count]) => count > 15), []);
});

test("no file has more than 400 lines", () => {
  const files = ["src", "tests", "bench", "scripts", "tools", "examples"].flatMap(sources)
    .filter((file) => !/\/(gen|target)\//.test(file));
  const lines = (file: string) => read(file).split("\n").length - 1;
  const long = files.filter((file) => lines(file) > 400).map((file) => `${file}: ${lines(file)}`);
  assertEquals(long, []);
});

test("the core uses no global of a runtime", () => {
  const files = ["mod.ts", ...sources().filter((file) => !file.startsWith("src/adapters/"))];
  const uses = files.filter((file) => {
    const code = read(file).replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    return /\b(Deno|Bun|process|Buffer|setImmediate|require)\b[.(]/.test(code);
  });
  assertEquals(uses, []);
});

test("deno.json, jsr.json and tsconfig.json name the same entry points", () => {
  const { name, version, license, exports } = json("deno.json");
  assertEquals(json("jsr.json"), { name, version, license, exports });
  const { paths } = json("tsconfig.json").compilerOptions;
  for (const [entry, file] of Object.entries(exports)) {
    assertEquals(paths[name + entry.slice(1)], [file]);
  }
});
