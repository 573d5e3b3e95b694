// What the page of the example is made of, and its server. `npm run browser` opens the page.
import { assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { createClient, serviceClient } from "@protosocket/protosocket/services";
import { Prices } from "../../examples/services/service.ts";
import { Program } from "../support/program.ts";
import { soon } from "../support/within.ts";
import { dialWebSocket } from "../websocket/support.ts";

const ADDRESSES = ["127.0.0.1:0", "127.0.0.1:0"];

test("example browser: serves the page and its program, and prints the address of the RPCs", async () => {
  await using program = new Program("examples/browser/server.ts", ADDRESSES);
  const [, origin] = await program.until(/^open (\S+)\n/m);
  const get = async (path: string) => {
    const response = await soon(fetch(`${origin}${path}`), path);
    return {
      status: response.status,
      type: response.headers.get("content-type") ?? "",
      text: await response.text(),
    };
  };
  const page = await get("/");
  assertMatch(page.type, /^text\/html/);
  const parts = [...page.text.matchAll(/(?:src|href)="([a-z.]+)"/g)].map(([, name]) => name!);
  assertEquals(parts, ["style.css", "main.js"]);
  for (const part of parts) assertEquals((await get(`/${part}`)).status, 200, part);
  assertMatch((await get("/main.js")).type, /^text\/javascript/);
  assertEquals((await get("/server.ts")).status, 404);
  assertMatch(program.said, new RegExp(`^rpcs at ${(await get("/server")).text}\n`, "m"));
});

test("example browser: answers, and notices when a stream is left", async () => {
  await using program = new Program("examples/browser/server.ts", ADDRESSES);
  const [, port] = await program.until(/^rpcs at ws:\/\/127\.0\.0\.1:(\d+)\n/m);
  await using connection = serviceClient(await dialWebSocket(Number(port)));
  const prices = createClient(Prices, connection);
  assertEquals((await soon(prices.getQuote({ symbol: "BOND" }), "an answer")).price, 42.5);
  const told: number[] = [];
  for await (const { price } of prices.watchQuotes({ symbol: "ACME", count: 1000 })) {
    if (told.push(price) === 3) break;
  }
  assertEquals(told, [100, 100.25, 100.5]);
  await program.until(/^a stream of ACME was left$/m);
});
