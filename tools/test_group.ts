// Runs several test files in one process of Node, whose own runner starts one for each file.
// What is reported after a test that has the name of a file is that file's.
import process from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { root } from "./runtimes.ts";

for (const file of process.argv.slice(2)) {
  const loading = import(pathToFileURL(`${root}${file}`).href);
  // The file's tests begin behind this one: when all of it has been loaded, as in a process of
  // its own. That it cannot be loaded is told below.
  test(file, () => loading.then(() => {}, () => {}));
  await loading;
}
