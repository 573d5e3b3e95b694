import { ConnectionError, TransportError } from "@protosocket/protosocket";
import { ControlCode, RpcError } from "@protosocket/protosocket/rpc";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { CALLS, type Ending, type Heard, LOST_INTEREST } from "./conversation.ts";
import { jsonCodec, type Message } from "./rpc.ts";

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

/**
 * Each call has come to what the answers say that have come whole, no more and no less. Of
 * those that were not answered the loss of the connection is told.
 */
export function assertHeard({ endings }: Heard, answers: readonly Message[]): void {
  const refused = expected("refuse", answers)[1] === "cancelled";
  for (const { call, got, error } of endings) {
    // It is given up once another has been refused.
    const [items, code] = call === "hang too" && refused ? WHOLE[call]! : expected(call, answers);
    assertEquals([got, codeOf(error)], [items, code], call);
  }
}

function expected(call: string, answers: readonly Message[]): [got: unknown[], code?: string] {
  const [whole] = WHOLE[call]!;
  const id = CALLS.findIndex((name) => name === call) + 1;
  const mine = answers.filter((answer) => numberOf(answer) === id);
  const got = mine.filter(({ code }) => code === 0).map(({ body }) => body);
  const last = mine.find(({ code }) => code !== 0)?.code;
  // Of a value the first message is all; this stream is left after two items.
  const over = call === "three"
    ? last === ControlCode.end
    : whole.length > 0 && got.length === whole.length;
  if (over) return [got, undefined];
  // The client closes before it is answered.
  if (call === "hang") return [[], "connection-closed"];
  return [got, last === ControlCode.cancel ? "cancelled" : "connection-closed"];
}

/** Which of the client's calls a message is for. The lowest bit of an id tells a stream from a single response. */
function numberOf({ id }: Message): number {
  return Math.floor(Number(id) / 2);
}

/** How a cut is told to the end that it keeps from receiving more than these messages. */
export function assertTold(
  heard: Heard,
  end: "client" | "server",
  cut: "end" | "reset",
  whole: readonly Message[],
  atBoundary: boolean,
): void {
  const [reason] = heard.closes[end];
  const told = reason!.kind === "error" ? reason!.error.code : reason!.kind;
  const inOrder = end === "server" && hangs(whole) ? "drain-timeout" : "peer";
  const expected = cut === "reset" ? "reset" : atBoundary ? inOrder : "truncated";
  // The client ends by itself once it has heard all.
  const closing = end === "client" && whole.some((answer) => numberOf(answer) === CALLS.length);
  if (!closing || told !== "local") assertEquals(told, expected);
}

/** Whether requests leave a handler at work that answers only when it is given up. */
function hangs(requests: readonly Message[]): boolean {
  const begun = requests.filter(({ body }) => String(body).startsWith("hang"));
  const given = requests.filter(({ code }) => code === ControlCode.cancel);
  return begun.some(({ id }) => !given.some((cancel) => cancel.id === id));
}

/** All has come to an end, once, whatever end that was. */
export function assertEnded(heard: Heard): void {
  const { endings, ends, closes, hanging, running, listeners } = heard;
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
  assertEquals(listeners.size, 0, "listeners are left on a signal");
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

/** A message of a recorded direction, and where it ends. */
export interface Recorded {
  readonly message: Message;
  readonly end: number;
}

/** The messages of a recorded direction. */
export function recordedMessages(bytes: Uint8Array): Recorded[] {
  const { decoder } = jsonCodec();
  const recorded: Recorded[] = [];
  for (let at = 0; at < bytes.length;) {
    const result = decoder.decode(bytes, at);
    assert(result.kind === "message", "the record is whole");
    recorded.push({ message: result.message, end: at += result.bytesUsed });
  }
  return recorded;
}
