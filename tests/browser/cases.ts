// Tests that run inside a page: this side lists them and asks for each.
import { after, test } from "node:test";
import { servePages } from "../../examples/browser/pages.ts";
import { bundle } from "../../scripts/support/bundle.ts";
import { root } from "../../tools/runtimes.ts";
import { remoteCases } from "../support/remote_cases.ts";
import { noChromium, openPage, startChromium } from "./chromium.ts";

/** What the page puts into its global. */
interface InPage {
  ask(path: string): Promise<{ ok: boolean; text: string }>;
}

/** What the cases need outside of the page. */
export interface Surroundings {
  /** What the page finds behind the `?` of its URL. */
  readonly query?: string;
  close(): Promise<void>;
}

/**
 * Registers the cases that the module registers in the page. `workers` are modules that it
 * may load, each with the path that it is at.
 */
export async function casesInPage(
  entry: string,
  workers: Readonly<Record<string, string>>,
  surround: (origin: string) => Promise<Surroundings>,
): Promise<void> {
  if (noChromium) return void test(`${entry}: all cases`, { skip: noChromium }, () => {});
  const alias = { "node:test": `${root}tests/support/case_registry.ts` };
  const script = async (file: string) => ({
    type: "text/javascript",
    body: await bundle(file, { alias }),
  });
  const pages = await servePages({ hostname: "127.0.0.1", port: 0 }, {
    "/": { type: "text/html", body: `<script type="module" src="page.js"></script>` },
    "/page.js": await script(entry),
    ...Object.fromEntries(
      await Promise.all(
        Object.entries(workers).map(async ([path, file]) => [path, await script(file)]),
      ),
    ),
  });
  const { query = "", close } = await surround(pages.origin);
  const browser = await startChromium();
  after(async () => {
    await browser.close();
    await close();
    pages.close();
  });
  const page = await openPage(browser, `${pages.origin}/?${query}`);
  const inPage = await page.evaluateHandle(() => globalThis as unknown as InPage);
  await remoteCases("page", async (path) => {
    const { ok, text } = await inPage.evaluate((there, path) => there.ask(path), path);
    return { ok, text: () => Promise.resolve(text) };
  });
}
