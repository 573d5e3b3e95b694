// docs/options.md has every option of every interface of options, with its default, and no other.
import { assert, assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string) => readFileSync(root + file, "utf8");

/** These are only exported for other files, or are not options. */
const NOT_OPTIONS = [
  "src/rpc/client/_calls.ts CallsConfig",
  "src/rpc/pool/_endpoints.ts EndpointsOptions",
  "src/rpc/pool/_backoff.ts RestOptions",
  "src/rpc/errors.ts RpcErrorOptions", // what an error knows
  "src/services/status.ts ServiceErrorOptions",
  "src/rpc/server/_outgoing.ts OutgoingConfig",
];

/** By interface, the defaults in its options' documentation. */
const documented = new Map<string, Map<string, string>>();
for (const name of readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })) {
  const file = `src/${name.replaceAll("\\", "/")}`;
  if (!file.endsWith(".ts")) continue;
  const interfaces = read(file).matchAll(
    /^export interface (\w+(?:Options|Config)|Heartbeat)\b[^{]*\{\n([^]*?)^\}/gm,
  );
  for (const [, name, body] of interfaces) {
    const options = body!.matchAll(/\/\*\*((?:(?!\*\/)[^])*)\*\/\s+(?:readonly )?(\w+)(\??)/g);
    const defaults = [...options].map(([, comment, option, optional]): [string, string] => {
      const tag = /@default (.*)/.exec(comment!)?.[1] ?? "none";
      return [option!, optional ? tag : "required"];
    });
    if (!NOT_OPTIONS.includes(`${file} ${name}`)) {
      documented.set(`${file} ${name}`, new Map(defaults));
    }
  }
}

/** The guide's tables: the interfaces of each, and the defaults that it gives. */
const tables = [...read("docs/options.md").matchAll(/<!-- (.*) -->\n\n((?:\|.*\n)+)/g)].map(
  ([, interfaces, table]) => {
    const [head, , ...rows] = table!.trimEnd().split("\n").map((row) =>
      row.split("|").slice(1, -1).map((cell) => cell.trim())
    );
    const column = head!.indexOf("default");
    const told = rows.flatMap((cells) =>
      [...cells[0]!.matchAll(/`(\w+)`/g)].map(([, option]): [string, string] => [
        option!,
        cells[column]!,
      ])
    );
    return { interfaces: interfaces!.split(", "), told: new Map(told), rows: told.length };
  },
);

const UNITS: Readonly<Record<string, number>> = {
  KiB: 1024,
  MiB: 1024 * 1024,
  ms: 1,
  s: 1000,
  min: 60_000,
};

/** Numbers without separators and units, everything without quotation marks. */
function plain(text: string): string {
  return text
    .replaceAll(/(?<=\d)[,_](?=\d)/g, "")
    .replaceAll(/(\d+) (KiB|MiB|ms|s|min)\b/g, (_, count, unit) => `${count * UNITS[unit]!}`)
    .replaceAll(/["`]/g, "");
}

/** Whether a cell matches a default `{value} words`, by its value, its words or both. */
function says(cell: string, tag: string): boolean {
  const [, value, words] = /^(?:\{(.*?)\}(?= |$))?\s*(.*)$/.exec(plain(tag))!;
  const told = plain(cell);
  const exact = value === "undefined" ? "none" : value;
  if (told === exact || told === `${value}; ${words}`) return true;
  return told !== "" && `${words!} `.replace(/[,;]/g, " ").startsWith(`${told} `);
}

test("the guide has a table of every interface of options, and no other", () => {
  const named = tables.flatMap(({ interfaces }) => interfaces);
  assertEquals(named.toSorted(), [...documented.keys()].toSorted());
});

for (const { interfaces, told, rows } of tables) {
  test(`the guide tells the defaults of ${interfaces.join(", ")}`, () => {
    const options = interfaces.flatMap((name) => [...documented.get(name) ?? []]);
    assertEquals([...told.keys()].toSorted(), [...new Set(options.map(([o]) => o))].toSorted());
    assertEquals(rows, told.size, "an option has two rows");
    const wrong = options.filter(([option, tag]) => !says(told.get(option)!, tag));
    assertEquals(wrong.map(([option, tag]) => [option, tag, told.get(option)]), []);
  });
}

test("the documented defaults are the constants of the code", () => {
  const constants = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => [
      ...read(`src/${name}`).matchAll(
        /The default of \{@linkcode (\w+)\.(\w+)\}: .*\nexport const \w+(?:: number)? = ([\d_ *]+);/g,
      ),
    ]);
  const wrong = constants.filter(([, name, option, value]) => {
    const number = value!.split("*").reduce((product, n) => product * Number(plain(n)), 1);
    const [, options] = [...documented].find(([key]) => key.endsWith(` ${name}`))!;
    return !options.get(option!)?.replaceAll("_", "").startsWith(`{${number}}`);
  });
  assertEquals(wrong.map(([text]) => text), []);
  assert(constants.length >= 10, `${constants.length} constants were found`);
});
