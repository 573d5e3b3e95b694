// The tables of docs/options.md, made from the comments of the source.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { command, root } from "../../tools/runtimes.ts";
import { readDenoJson } from "./npm_package.ts";

/** What `deno doc --json` says of a property. */
interface Property {
  readonly name: string;
  readonly optional?: boolean;
  readonly jsDoc?: {
    readonly doc?: string;
    readonly tags?: readonly {
      readonly kind: string;
      readonly value?: string;
      readonly doc?: string;
    }[];
  };
}

/** And of a declaration. */
interface Declaration {
  readonly kind: string;
  readonly location: { readonly filename: string };
  readonly jsDoc?: { readonly doc?: string };
  readonly def: {
    readonly properties?: readonly Property[];
    readonly methods?: readonly Property[];
  };
}

interface Doc {
  readonly nodes: Readonly<
    Record<string, {
      readonly symbols: readonly {
        readonly name: string;
        readonly declarations: readonly Declaration[];
      }[];
    }>
  >;
}

/** An interface of options that users can see. */
export interface Options {
  /** What the interface is for. */
  readonly about: string;
  /** Its properties, those of what it extends not among them. */
  readonly properties: readonly Property[];
}

/** What is named like options and is none: what an error knows. */
const NOT_OPTIONS = [
  "src/rpc/errors.ts RpcErrorOptions",
  "src/services/status.ts ServiceErrorOptions",
];

/** Where a table is in the guide: the interfaces before it, and what is made of them. */
const TABLE =
  /<!-- (src\/\S+ \w+(?:, src\/\S+ \w+)*) -->\n\n(?:<!-- deno-fmt-ignore-start -->[^]*?<!-- deno-fmt-ignore-end -->\n|(?:\|.*\n)+)/g;

/** The interfaces of options that the entry points export, by file and name. */
export function optionInterfaces(): Map<string, Options> {
  const entries = Object.values(readDenoJson().exports);
  const text = execFileSync(command("deno"), ["doc", "--json", ...entries], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 2 ** 28,
  });
  const { nodes }: Doc = JSON.parse(text);
  const symbols = Object.values(nodes).flatMap(({ symbols }) => symbols);
  const found = symbols.flatMap(({ name, declarations }) =>
    declarations
      .filter(({ kind }) => kind === "interface" && /(Options|Config|^Heartbeat)$/.test(name))
      .map(({ location, jsDoc, def }): [string, Options] => {
        const file = relative(root, fileURLToPath(location.filename)).replaceAll("\\", "/");
        const { properties = [], methods = [] } = def;
        return [`${file} ${name}`, {
          about: prose(jsDoc?.doc),
          properties: [...properties, ...methods],
        }];
      })
  );
  return new Map(
    found.filter(([name, { properties }]) => properties.length > 0 && !NOT_OPTIONS.includes(name)),
  );
}

/** The guide with its tables made anew; throws for an interface that has no place in it. */
export function withTables(
  guide: string,
  interfaces: ReadonlyMap<string, Options> = optionInterfaces(),
): string {
  const missing = new Set(interfaces.keys());
  const text = guide.replaceAll(TABLE, (_, names: string) => {
    const tables = names.split(", ").map((name) => {
      const options = interfaces.get(name);
      if (!options) throw new Error(`docs/options.md: no entry point exports ${name}`);
      missing.delete(name);
      return table(name.split(" ")[1]!, options);
    });
    return `<!-- ${names} -->\n\n<!-- deno-fmt-ignore-start -->\n\n${
      tables.join("\n")
    }\n<!-- deno-fmt-ignore-end -->\n`;
  });
  if (missing.size === 0) return text;
  const places = [...missing].map((name) => `<!-- ${name} -->`).join(" ");
  throw new Error(`docs/options.md: no place for a table, which is a line such as ${places}`);
}

function table(name: string, { about, properties }: Options): string {
  const rows = properties.map((property) => {
    const { jsDoc } = property;
    return [`\`${property.name}\``, defaultOf(property), prose(jsDoc?.doc)];
  });
  return [`**\`${name}\`**: ${about}`, "", ["option", "default", "what it is"], [
    "---",
    "---",
    "---",
  ], ...rows]
    .map((line) => typeof line === "string" ? line : `| ${line.map(escaped).join(" | ")} |`)
    .map((line) => `${line}\n`).join("");
}

function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|");
}

/** The first paragraph of a comment, on a line. */
function prose(doc = ""): string {
  return doc.trim().split(/\n\s*\n/)[0]!
    .replaceAll(
      /\{@link(?:code)? ([^}|\s]+)(?:[ |]([^}]+))?\}/g,
      (_, name, label) => `\`${label ?? name}\``,
    )
    .replaceAll(/\s+/g, " ");
}

/** The default of an option, as people say it. */
function defaultOf({ name, optional, jsDoc: { doc = "", tags = [] } = {} }: Property): string {
  if (!optional) return "required";
  if (tags.some(({ kind, value }) => kind === "unsupported" && value?.startsWith("@default"))) {
    throw new Error(
      `${name}: a default is @default {value} and words, or @default {undefined} words`,
    );
  }
  const tag = tags.find(({ kind }) => kind === "default");
  if (!tag) return "none";
  // Of `{{ … }}`, the value ends at the first brace.
  const nested = tag.value?.startsWith("{") ?? false;
  const value = nested ? `${tag.value}}` : tag.value ?? "undefined";
  const words = spoken(prose(nested ? tag.doc?.replace("}", "") : tag.doc), doc);
  if (value === "undefined") return words || "none";
  const said = /^[\d_.]+$/.test(value)
    ? spoken(value.replaceAll("_", ""), doc)
    : `\`${value.replace(/^"(.*)"$/, "$1")}\``;
  return words ? `${said}${/^(or|for|if) /.test(words) ? "," : ";"} ${words}` : said;
}

const UNITS: Readonly<Record<string, readonly (readonly [name: string, size: number])[]>> = {
  millisecond: [["min", 60_000], ["s", 1000], ["ms", 1]],
  byte: [["MiB", 2 ** 20], ["KiB", 2 ** 10]],
};

const UNIT = /millisecond|byte/i;

/** Numbers in the largest unit that they are whole in, if the comment begins with times or sizes. */
function spoken(text: string, doc: string): string {
  const unit = /^How many objects/.test(doc) ? "" : UNIT.exec(doc)?.[0].toLowerCase() ?? "";
  return text.replaceAll(/\b\d{2,}\b/g, (digits) => {
    const number = Number(digits);
    const found = UNITS[unit]?.find(([, size]) => number % size === 0 && number >= size);
    return found ? `${number / found[1]} ${found[0]}` : number.toLocaleString("en-US");
  });
}

/** The guide as it is. */
export function readGuide(): string {
  return readFileSync(`${root}docs/options.md`, "utf8");
}
