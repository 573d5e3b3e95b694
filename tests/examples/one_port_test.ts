import { assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { Program } from "../support/program.ts";
import { runtime } from "../support/runtime.ts";
import { soon } from "../support/within.ts";

for (const server of [runtime, "hono"]) {
  test(`example one-port, ${server}: a page and WebSockets on one port`, async () => {
    await using http = new Program(`examples/one-port/${server}.ts`, ["0"]);
    const { port } = await http.listening();
    const page = await soon(fetch(`http://127.0.0.1:${port}/`), "the page");
    assertMatch(await page.text(), /^A page/);
    const url = `ws://127.0.0.1:${port}/rpc`;
    await using ada = new Program("examples/one-port/client.ts", [`${url}?name=Ada`, "a", "b"]);
    assertEquals(await ada.ended, 0);
    assertEquals(ada.said, "Ada says a\nAda says b\n");
    // Who has no name is refused, which is none of the others' business.
    await using nobody = new Program("examples/one-port/client.ts", [url, "a"]);
    assertEquals(await nobody.ended, 1);
    await using eve = new Program("examples/one-port/client.ts", [`${url}?name=Eve`, "c"]);
    assertEquals([await eve.ended, eve.said], [0, "Eve says c\n"]);
  });
}
