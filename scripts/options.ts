// Makes the tables of docs/options.md from the comments of the source.
import { writeFileSync } from "node:fs";
import process from "node:process";
import { root } from "../tools/runtimes.ts";
import { readGuide, withTables } from "./support/option_tables.ts";

const HELP = `Usage: npm run options -- [--check]

Makes the tables of docs/options.md: under each comment that names interfaces, such as
<!-- src/options.ts ConnectionOptions -->, a table of each with what the source's comments
say of its options. Exits with 1 if an entry point exports an interface of options that the
guide has no place for.

  --check   writes nothing, and exits with 1 if it would
  --help    this text`;

if (process.argv.includes("--help")) {
  console.log(HELP);
} else {
  try {
    const before = readGuide();
    const after = withTables(before);
    if (after === before) {
      console.log("ok    docs/options.md");
    } else if (process.argv.includes("--check")) {
      throw new Error("docs/options.md is not what the comments say: npm run options");
    } else {
      writeFileSync(`${root}docs/options.md`, after);
      console.log("docs/options.md written");
    }
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
