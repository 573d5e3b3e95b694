// Copies the examples that the README shows into it. A test fails when that is needed.
import { readFileSync, writeFileSync } from "node:fs";
import { root } from "../tools/runtimes.ts";

const README = `${root}README.md`;
/** `<!-- examples/… -->`, then a code block. */
const SHOWN = /(<!-- (examples\/\S+) -->\n\n```ts\n)[^]*?(\n```\n)/g;

const text = readFileSync(README, "utf8");
const updated = text.replace(
  SHOWN,
  (_, before, file, after) => before + readFileSync(`${root}${file}`, "utf8").trimEnd() + after,
);
writeFileSync(README, updated);
console.log(updated === text ? "README.md shows the examples as they are" : "README.md updated");
