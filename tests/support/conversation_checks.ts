import { ConnectionError, TransportError } from "@protosocket/protosocket";
import { RpcError } from "@protosocket/protosocket/rpc";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { type Ending, type Heard, LOST_INTEREST } from "./conversation.ts";
import { jsonCodec } from "./rpc.ts";

/** What each call comes to if nothing is cut: its items, and the code of its error. */
const WHOLE: Record<string, [got: unknown[], code?: string]> = {
  value: [["v"]],
  promise: [["p"]],
  three: [[0, 1, 2]],
  refuse: [[], "cancelled"],
  "hang too": [[], "lost interest"],
  endless: [[0, 1]],
  throw: [[], "cancelled"],
  hang: [[], "connection-closed"],
};

/** A conversation that nothing disturbed. */
export function assertUncut(heard: Heard): void {
  assertOver(heard);
  const endings = heard.endings.map(({ call, got, error }) => [call, got, codeOf(error)]);
  assertEquals(endings, Object.entries(WHOLE).map(([call, [got, code]]) => [call, got, code]));
  assertEquals(heard.closes, { client: [{ kind: "local" }], server: [{ kind: "peer" }] });
}

/** All has come to an end, once, and as it may where only the connection was lost. */
export function assertOver(heard: Heard): void {
  assertEnded(heard);
  for (const ending of heard.endings) assertEnding(ending);
}

/** All has come to an end, once, whatever end that was. */
export function assertEnded({ endings, ends, closes, hanging, running }: Heard): void {
  assertEquals(endings.map(({ call }) => call).sort(), Object.keys(WHOLE).sort());
  for (const { error } of endings) {
    if (error !== undefined && error !== LOST_INTEREST) assertInstanceOf(error, RpcError);
  }
  for (const told of [ends.client, ends.server]) assert(told.every((times) => times === 1));
  assertEquals([closes.client.length, closes.server.length], [1, 1]);
  for (const { signal, id } of hanging) {
    assert(signal.aborted, `the handler of rpc ${id} has not been told`);
    assertInstanceOf(signal.reason, RpcError);
  }
  assertEquals([...running], [], "handlers still at work");
}

function assertEnding({ call, got, error }: Ending): void {
  const [whole, code] = WHOLE[call]!;
  if (codeOf(error) === code && call !== "hang") return assertEquals(got, whole, call);
  assertInstanceOf(error, RpcError, call);
  assertStrictEquals(error.code, "connection-closed", call);
  assertEquals(got, whole.slice(0, got.length), call);
  const { cause } = error;
  if (cause === undefined) return;
  // Where the cut was within a message, the input was truncated; else it was in order.
  if (cause instanceof TransportError) assertStrictEquals(cause.code, "reset");
  else assert(cause instanceof ConnectionError && cause.code === "truncated", String(cause));
}

function codeOf(error: unknown): string | undefined {
  if (error === LOST_INTEREST) return LOST_INTEREST.message;
  return error instanceof RpcError ? error.code : error === undefined ? undefined : String(error);
}

/** Where each message of a recorded direction ends. */
export function messageEnds(bytes: Uint8Array): number[] {
  const { decoder } = jsonCodec();
  const ends: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const result = decoder.decode(bytes, at);
    assert(result.kind === "message", "the record is whole");
    ends.push(at += result.bytesUsed);
  }
  return ends;
}
