// docs/options.md says what the comments of the source say, whose defaults are those of the code.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { optionInterfaces, readGuide, withTables } from "../../scripts/support/option_tables.ts";
import { root } from "../../tools/runtimes.ts";

const interfaces = optionInterfaces();
const guide = readGuide();

test("the guide's tables are made from the comments: npm run options", () => {
  assert(withTables(guide, interfaces) === guide, "docs/options.md is old: npm run options");
});

test("an interface without a place in the guide is missed", () => {
  const place = "<!-- src/options.ts ConnectionOptions -->";
  assertThrows(() => withTables(guide.replace(place, ""), interfaces), Error, place);
});

test("a place for an interface that nobody can see is refused", () => {
  const place = "<!-- src/options.ts NoOptions -->\n\n| option |\n";
  assertThrows(() => withTables(guide + place, interfaces), Error, "NoOptions");
});

test("the documented defaults are the constants of the code", () => {
  const numbers = (text: string) => text.replaceAll("_", "");
  const constants = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => [
      ...readFileSync(`${root}src/${name}`, "utf8").matchAll(
        /The default of \{@linkcode (\w+)\.(\w+)\}: .*\nexport const \w+(?:: number)? = ([\d_ *]+);/g,
      ),
    ]);
  const wrong = constants.filter(([, name, option, value]) => {
    const number = value!.split("*").reduce((product, n) => product * Number(numbers(n)), 1);
    const [, { properties }] = [...interfaces].find(([key]) => key.endsWith(` ${name}`))!;
    const { jsDoc } = properties.find(({ name }) => name === option)!;
    const tag = jsDoc?.tags?.find(({ kind }) => kind === "default");
    return numbers(tag?.value ?? "") !== String(number);
  });
  assertEquals(wrong.map(([text]) => text), []);
  assert(constants.length >= 10, `${constants.length} constants were found`);
});
