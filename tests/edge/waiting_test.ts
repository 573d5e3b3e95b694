// An object that has an rpc to answer does not sleep, whatever the answer waits for.
import { connect } from "@protosocket/protosocket/websocket";
import { RpcClient } from "@protosocket/protosocket/rpc";
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { body, jsonCodec, type Message, messages } from "../support/rpc.ts";
import { soon, within } from "../support/within.ts";
import { webSocket } from "../websocket/support.ts";
import { noWorkerd, RunningWorker } from "./workerd.ts";

/** workerd lets an object hibernate after 10 idle seconds. */
const SLEEP_MS = 11_000;

const skip = noWorkerd ? { skip: noWorkerd } : {};
test("cloudflare: a Durable Object does not sleep while an rpc waits", skip, async () => {
  await using worker = await RunningWorker.start("tests/edge/waiting_worker.ts", {
    objects: { WAITING: "Waiting" },
  });
  const dial = async () => {
    const duplex = await connect(`ws://127.0.0.1:${worker.port}`, { webSocket });
    return new RpcClient<Message, Message>(duplex, { codec: jsonCodec(), messages });
  };
  await using one = await soon(dial(), "a WebSocket");
  await using other = await soon(dial(), "another");
  const waiting = within(2 * SLEEP_MS, one.unary(body("wait")), "the answer");
  await new Promise((resolve) => setTimeout(resolve, SLEEP_MS));
  assertEquals((await soon(other.unary(body("go")), "the other answer")).body, "going");
  assertEquals((await waiting).body, "gone");
});
