// The folders of the source, and which may import which.
import { assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (file: string) => readFileSync(root + file, "utf8");
const json = (file: string) => JSON.parse(read(file));

/** Every import of the library's own source, as [importing file, imported]. */
const imports: [from: string, to: string][] = ["mod.ts", ...sources()].flatMap((from) =>
  [...read(from).matchAll(/^(?:import|export)[^;]*? from "([^"]+)";/gm)].map((
    [, to],
  ): [string, string] => [from, to!.startsWith(".") ? join(dirname(from), to!) : to!])
);

function sources(): string[] {
  return readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
    .map((name) => `src/${name.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith(".ts"));
}

/** The imports of files that match `from`, other than those that match `allowed`. */
function others(from: RegExp, allowed: RegExp): string[] {
  return imports
    .filter(([file, to]) => from.test(file) && !allowed.test(to))
    .map(([file, to]) => `${file} imports ${to}`);
}

test("the core imports itself and @std/bytes only", () => {
  assertEquals(others(/^(mod\.ts|src\/[^/]+)$/, /^(src\/[^/]+\.ts|@std\/bytes)$/), []);
});

test("adapters import the core's types and errors only, and node: modules", () => {
  const allowed =
    /^(src\/(address_key|codec|duplex|duplex_base|errors|listener|on_abort|user_callback)\.ts|src\/adapters\/_[a-z_]+\.ts|node:.*|ws)$/;
  assertEquals(others(/^src\/adapters\//, allowed), []);
});

test("codecs import the codec's types only, and their library", () => {
  const allowed =
    /^(src\/(codec|encode_buffer)\.ts|src\/codecs\/_[a-z0-9_]+\.ts|@std\/bytes|@bufbuild\/protobuf(\/wire)?)$/;
  assertEquals(others(/^src\/codecs\//, allowed), []);
});

test("rpc imports the core's public names, the check of options, and queues", () => {
  assertEquals(
    others(
      /^src\/rpc\//,
      /^(mod\.ts|src\/(options|fifo|waiting_line|user_callback|after_poll|on_abort)\.ts|src\/rpc\/[a-z_]+\.ts)$/,
    ),
    [],
  );
});

test("telemetry imports the public names of the core and of rpc, and its library", () => {
  const allowed = /^(mod\.ts|src\/rpc\/mod\.ts|@opentelemetry\/api)$/;
  assertEquals(others(/^src\/telemetry\//, allowed), []);
});

test("a file _x.ts is private to its folder", () => {
  const strangers = imports.filter(([file, to]) =>
    /(^|\/)_[^/]+\.ts$/.test(to) && dirname(file) !== dirname(to)
  );
  assertEquals(strangers, []);
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
