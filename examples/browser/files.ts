import { readFileSync } from "node:fs";
import type { PageFile } from "./pages.ts";

const read = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");

/** The page's files, by path. */
export function pageFiles(program: Uint8Array): Record<string, PageFile> {
  return {
    "/": { type: "text/html", body: read("index.html") },
    "/style.css": { type: "text/css", body: read("style.css") },
    "/main.js": { type: "text/javascript", body: program },
  };
}
