// What the page of the example is made of, and its server. `npm run browser` opens the page.
import { create } from "@bufbuild/protobuf";
import { assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import {
  EchoRequestSchema,
  RequestSchema,
  ResponseBehavior,
} from "../../examples/proto/gen/echo_pb.ts";
import { Program } from "../support/program.ts";
import { soon } from "../support/within.ts";
import { echoOver } from "../websocket/echo_client.ts";
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
  await using client = echoOver(await dialWebSocket(Number(port)));
  const body = create(EchoRequestSchema, { message: "ab" });
  const { kind } = await soon(client.unary(create(RequestSchema, { body })), "an answer");
  assertEquals(kind.value?.message, "ab");
  const request = create(RequestSchema, { body, responseBehavior: ResponseBehavior.STREAM });
  let said = "";
  for await (const { kind } of client.streaming(request)) {
    said += kind.value?.message;
    if (said.length === 5) break;
  }
  assertEquals(said, "ab ab");
  await program.until(/^a stream of "ab" was left$/m);
});
