// Writes what follows from deno.json's list of entry points, and compares what does not.
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { differences, generated } from "./support/entries.ts";
import { root } from "../tools/runtimes.ts";

const HELP = `Usage: npm run entries -- [--check]

An entry point is written down in deno.json, under "exports". This makes jsr.json and the
paths of tsconfig.json from that, and names the lists that say something of every entry
point and lack one: the sizes, the permissions and the README's table. Exits with 1 if one
does.

  --check   writes nothing, and exits with 1 if it would
  --help    this text`;

if (process.argv.includes("--help")) {
  console.log(HELP);
} else {
  const wrong = differences();
  for (const { file, text } of generated()) {
    if (readFileSync(root + file, "utf8") === text) continue;
    if (process.argv.includes("--check")) {
      wrong.push(`${file} does not follow from deno.json: npm run entries`);
      continue;
    }
    writeFileSync(root + file, text);
    console.log(`${file} written`);
  }
  for (const difference of wrong) console.error(difference);
  if (wrong.length > 0) process.exitCode = 1;
  else console.log("ok    entry points");
}
