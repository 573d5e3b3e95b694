import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { test } from "node:test";
import { Channel } from "../../examples/spawn-stream/channel.ts";
import { Program } from "../support/program.ts";
import { quiet } from "../support/quiet.ts";
import { soon } from "../support/within.ts";

test("example spawn-stream: streams are read and checked, a line each second", async () => {
  await using server = new Program("examples/spawn-stream/server.ts", ["127.0.0.1:0"]);
  const { address } = await server.listening();
  const args = [address, "--seconds", "1.5", "--in-flight", "16"];
  await using client = new Program("examples/spawn-stream/client.ts", args);
  assertEquals(await client.ended, 0, client.said);
  const line = String.raw`[1-9][\d,]* rpc/s  p50 [\d.]+  p99 [\d.]+  p99\.9 [\d.]+ ms\n`;
  assertMatch(client.said, new RegExp(`^(${line})*summary ${line}$`));
});

test("example spawn-stream: the channel bounds its producer, and tells it when its reader leaves", async () => {
  const channel = new Channel<number>(16);
  let sent = 0;
  const producer = (async () => {
    while (await channel.send(sent)) sent++;
  })();
  assertEquals(await quiet(() => sent), 16);
  assertEquals(await soon(channel.next(), "an item"), { done: false, value: 0 });
  assertEquals(await quiet(() => sent), 17);
  await channel.return();
  await soon(producer, "the producer's end");
  assertEquals((await channel.next()).done, true);
});

test("example spawn-stream: what was sent is read before an end, or an error", async () => {
  for (const end of [{}, { error: new Error("oh") }]) {
    const channel = new Channel<number>(16);
    await channel.send(1);
    channel.close(end);
    assertEquals(await channel.next(), { done: false, value: 1 });
    if (end.error) await assertRejects(() => channel.next(), Error, "oh");
    else assertEquals((await channel.next()).done, true);
  }
});
