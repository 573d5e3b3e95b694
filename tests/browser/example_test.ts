// The page of examples/browser, used as a person would.
import { assertEquals, assertMatch } from "@std/assert";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { root } from "../../tools/runtimes.ts";
import { noRust, rustServer } from "../interop/rust_peer.ts";
import { Program } from "../support/program.ts";
import { within } from "../support/within.ts";
import { noChromium, openPage, startChromium } from "./chromium.ts";

/** Pictures of the page; git does not look into this folder. */
const ARTEFACTS = `${root}artefacts/`;
/** Far longer than a case takes; it only ends what would never end. */
const LIMIT = 240_000;

let browser: Browser;
if (!noChromium) {
  before(async () => {
    browser = await startChromium();
  });
  after(() => browser.close());
}

/** Starts the example's server. */
async function serve(pageAt = "127.0.0.1:0", rpcsAt = "127.0.0.1:0") {
  const program = new Program("examples/browser/server.ts", [pageAt, rpcsAt]);
  const [, rpcs] = await program.until(/^rpcs at ws:\/\/(\S+)\n/m);
  const [, origin] = await program.until(/^open (\S+)\n/m);
  return { program, rpcs: rpcs!, origin: origin! };
}

/** Waits until an element of the page says something. */
function says(page: Page, id: string, what: string | RegExp): Promise<void> {
  return page.locator(`#${id}`, { hasText: what }).waitFor({ state: "attached" });
}

/** Remembers what an element says from now on: it may say something else before anybody looks. */
async function remember(page: Page, id: string): Promise<(what: string) => Promise<unknown>> {
  const said = await page.evaluateHandle((id) => {
    const element = document.getElementById(id)!;
    const said: string[] = [];
    new MutationObserver(() => said.push(element.textContent!)).observe(element, {
      childList: true,
    });
    return said;
  }, id);
  return (what) =>
    page.waitForFunction(
      ([said, what]) => said.some((text) => text.includes(what)),
      [said, what] as const,
    );
}

/** Waits until the chart has so many points, and a line. A moment without an answer has none. */
async function drawn(page: Page, points: number): Promise<void> {
  await page.waitForFunction((points) => {
    const path = document.querySelector("path.p50")?.getAttribute("d") ?? "";
    return path.includes("L") && path.split(/[ML]/).length > points;
  }, points);
}

/** Asks for one answer, and sees it. */
async function asks(page: Page, symbol: string, price: number): Promise<void> {
  await page.fill("#symbol", symbol);
  await page.click("#one button");
  await page.locator("#answer").getByText(`${symbol} costs ${price}`, { exact: true }).waitFor();
  await says(page, "answer-time", /^after [\d.]+ ms$/);
}

/** Asks for a stream. */
async function watches(page: Page, symbol: string, count: number): Promise<void> {
  await page.fill("#watched", symbol);
  await page.fill("#count", String(count));
  await page.click("#start");
}

async function picture(page: Page, name: string, colorScheme: "light" | "dark"): Promise<void> {
  mkdirSync(ARTEFACTS, { recursive: true });
  await page.emulateMedia({ colorScheme });
  await page.screenshot({ path: `${ARTEFACTS}browser-${name}.png` });
}

/** Registers a case that needs the browser. */
function onBrowser(name: string, run: () => Promise<void>, skip = noChromium): void {
  test(`browser example: ${name}`, skip ? { skip } : {}, () => within(LIMIT, run(), name));
}

onBrowser("one answer and streams of a typed service, a cancel, and a chart", async () => {
  const broken: string[] = [];
  const { program, rpcs, origin } = await serve();
  await using _program = program;
  const page = await openPage(browser, origin, broken);
  await says(page, "status", `connected to ws://${rpcs}`);
  await asks(page, "ACME", 100);
  await asks(page, "BOND", 42.5);
  await page.fill("#symbol", "NONE");
  await page.click("#one button");
  await says(page, "answer-time", /^not-found: There is no NONE$/);
  await watches(page, "ACME", 4);
  await says(page, "items", "4 items, then it was over");
  await says(page, "prices", "100 100.25 100.5 100.75");
  await watches(page, "NONE", 4);
  await says(page, "items", "0 items, then: There is no NONE");
  await watches(page, "BOND", 1_000_000);
  await says(page, "prices", "42.5 42.75 43");
  await page.click('#load >> text="16"');
  await drawn(page, 24);
  await picture(page, "dark", "dark");
  await picture(page, "light", "light");
  await page.click("#start");
  await says(page, "items", /^\d+ items, then it was over$/);
  await program.until(/^a stream of BOND was left$/m);
  await asks(page, "ACME", 100);
  await page.click('#load >> text="256"');
  const before = Number((await page.textContent("#total"))!.replaceAll(",", ""));
  await page.waitForFunction(
    (before) => Number(document.getElementById("total")!.textContent!.replaceAll(",", "")) > before,
    before + 256,
  );
  assertEquals(broken, []);
  await page.close();
});

onBrowser("says so when the server goes away, and goes on when it is back", async () => {
  const first = await serve();
  const page = await openPage(browser, first.origin);
  const thrown: Error[] = [];
  page.on("pageerror", (error) => thrown.push(error));
  await says(page, "status", "connected");
  await page.click("#start");
  await says(page, "items", "items so far");
  const lossSaid = await remember(page, "loss");
  await first.program[Symbol.asyncDispose]();
  await lossSaid("The WebSocket was broken off without a close");
  await says(page, "status", `no connection to ws://${first.rpcs}, trying again`);
  assertMatch(
    (await page.textContent("#items"))!,
    /^\d+ items, then: The connection is closed: The WebSocket was broken off without a close$/,
  );
  assertEquals(await page.isEnabled("#one button"), false);
  await picture(page, "lost", "light");
  await says(page, "loss", `Cannot connect to ws://${first.rpcs}`);
  await using _again = (await serve(new URL(first.origin).host, first.rpcs)).program;
  await says(page, "status", `connected to ws://${first.rpcs}`);
  assertEquals(await page.textContent("#loss"), "");
  await asks(page, "BOND", 42.5);
  assertEquals(thrown, []);
  await page.close();
});

onBrowser("through the gateway to a server in Rust", async () => {
  const broken: string[] = [];
  await using rust = await rustServer([], "services-server");
  const { program, origin } = await serve();
  await using _program = program;
  const target = `127.0.0.1:${rust.port}`;
  const gatewayArgs = ["127.0.0.1:0", target, origin];
  await using gateway = new Program("examples/gateway/server.ts", gatewayArgs);
  const { address } = await gateway.listening();
  const page = await openPage(browser, `${origin}/?server=ws://${address}`, broken);
  await says(page, "status", `connected to ws://${address}`);
  await asks(page, "Grüße, 世界 🌍", 100);
  await watches(page, "ACME", 15);
  await says(page, "items", "15 items, then it was over");
  await says(page, "prices", /112 113 114$/);
  await watches(page, "MISSING", 15);
  await says(page, "items", "2 items, then: no such symbol: MISSING");
  await watches(page, "NEVER", 0);
  await says(page, "items", /\d,\d+ items so far/);
  await page.click("#start");
  await says(page, "items", /items, then it was over/);
  await rust.printed(/^dropped \d+$/m);
  await drawn(page, 4);
  assertEquals(broken, []);
  await watches(page, "NEVER", 0);
  await says(page, "items", "items so far");
  await rust[Symbol.asyncDispose]();
  await says(page, "loss", /The WebSocket was broken off|closed/);
  await says(page, "items", "items, then: The connection is closed");
  await page.close();
}, noChromium ?? noRust);
