// The README and the other papers as npm shows them: with the package's name there, and without
// links to files that are not in the package.
import { posix } from "node:path";
import { NPM_NAME, npmPapers, readDenoJson } from "./npm_package.ts";

/** What JSR's commands are on npm. */
const COMMANDS: readonly [jsr: string, npm: string][] = [
  ["deno add jsr:", "deno add npm:"],
  ["bunx jsr add ", "bun add "],
];

/** `[text](target)`, where the target is neither an address nor a place on the same page. */
const RELATIVE = /(!?)\[([^\]]+)\]\((?!#|[a-z]+:)([^)#]+)(#[^)]*)?\)/g;

/** A file of types as it goes into the npm package: its examples import from there. */
export function npmTypes(text: string): string {
  const { name } = readDenoJson();
  return text.replaceAll(`from "${name}`, `from "${NPM_NAME}`);
}

/**
 * A paper of the repository as it goes into the npm package; `paper` is its place in both. `files`
 * is where the repository's files can be read, if that is known; otherwise what links to those
 * that are not in the package is text.
 */
export function npmPaper(text: string, files: string | undefined, paper = "README.md"): string {
  const { name } = readDenoJson();
  const papers = npmPapers(files);
  return COMMANDS.reduce((text, [jsr, npm]) => text.replaceAll(jsr + name, npm + name), text)
    .replaceAll(name, NPM_NAME)
    .replaceAll(RELATIVE, (link, image: string, text: string, target: string, place = "") => {
      const file = posix.join(posix.dirname(paper), target);
      if (papers.includes(file)) return link;
      return files === undefined ? text : `${image}[${text}](${files}/${file}${place})`;
    });
}
