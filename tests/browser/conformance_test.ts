// The adapter conformance suite inside a page.
import { after, test } from "node:test";
import { servePages } from "../../examples/browser/pages.ts";
import { bundle } from "../../scripts/support/bundle.ts";
import { root } from "../../scripts/support/runtimes.ts";
import { listen } from "../../src/adapters/websocket_node.ts";
import { joinPairs } from "../support/joined_pairs.ts";
import { remoteCases } from "../support/remote_cases.ts";
import { noChromium, openPage, startChromium } from "./chromium.ts";

/** What the page puts into its global. */
interface InPage {
  ask(path: string): Promise<{ ok: boolean; text: string }>;
}

if (noChromium) test("browser: the adapter's cases", { skip: noChromium }, () => {});
else await casesInPage();

async function casesInPage(): Promise<void> {
  const alias = { "node:test": `${root}tests/support/case_registry.ts` };
  const script = await bundle("tests/browser/conformance_page.ts", { alias });
  const pages = await servePages({ hostname: "127.0.0.1", port: 0 }, {
    "/": { type: "text/html", body: `<script type="module" src="page.js"></script>` },
    "/page.js": { type: "text/javascript", body: script },
  });
  const listener = await listen({ port: 0, allowedOrigins: [pages.origin] });
  joinPairs(listener);
  const { port } = listener.address as { port: number };
  const browser = await startChromium();
  after(async () => {
    await browser.close();
    await listener.close();
    pages.close();
  });
  const relay = encodeURIComponent(`ws://127.0.0.1:${port}`);
  const page = await openPage(browser, `${pages.origin}/?relay=${relay}`);
  const inPage = await page.evaluateHandle(() => globalThis as unknown as InPage);

  await remoteCases("page", async (path) => {
    const { ok, text } = await inPage.evaluate((there, path) => there.ask(path), path);
    return { ok, text: () => Promise.resolve(text) };
  });
}
