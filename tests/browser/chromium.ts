// Opens pages in the real browser.
import process from "node:process";
import type { Browser, Page } from "playwright-core";
import { runtime } from "../support/runtime.ts";

const { PROTOSOCKET_CHROMIUM: program, PROTOSOCKET_HEADED: headed } = process.env;

/** Why there is no browser, if there is none. */
export const noChromium: string | undefined = runtime !== "node"
  ? "Chromium is driven from Node"
  : program
  ? undefined
  : "needs Chromium: npm run browser starts it";

/** Nothing in a page takes that long, on a busy machine either. */
const LIMIT_MS = 60_000;

/** Starts the browser. */
export async function startChromium(): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  return await chromium.launch({ executablePath: program!, headless: !headed });
}

/** Opens a page; `broken` gathers what it throws and nobody catches, and its errors on the console. */
export async function openPage(
  browser: Browser,
  url: string,
  broken: string[] = [],
): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1100, height: 860 } });
  page.setDefaultTimeout(LIMIT_MS);
  page.on("pageerror", (error) => broken.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") broken.push(message.text());
  });
  await page.goto(url);
  return page;
}
