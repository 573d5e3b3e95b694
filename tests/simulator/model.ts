// What may become of a call, and why: everything else is a fault of the code.
import { RpcError } from "@protosocket/protosocket/rpc";
import { HEADER } from "./messages.ts";
import type { CallRecord } from "./record.ts";
import { shown } from "./trace.ts";
import { clientName, type Fault, serverName, type World } from "./world.ts";

/** Checks a call that has settled; returns what is wrong with it, if anything is. */
export function wrong(world: World, call: CallRecord): string | undefined {
  const { ask, handlers, plan } = call;
  const most = plan.idempotent && world.pools[call.client] ? 3 : 1;
  if (handlers.length > most) return `was begun ${handlers.length} times`;
  if (call.error === undefined) return call.left ? undefined : wrongSuccess(world, call);
  return explained(world, call, call.error)
    ? undefined
    : `failed without a reason: ${shown(call.error)}, ${ask.kind} answered by ${ask.answer}`;
}

function wrongSuccess(world: World, call: CallRecord): string | undefined {
  const { ask, read } = call;
  if (mismatched(call)) return `a ${ask.kind} call succeeded, answered by ${ask.answer}`;
  if (fails(call)) return `succeeded, although its handler is to ${ask.answer}`;
  if (tooLarge(world, call)) return "succeeded with messages over the limit";
  const expected = ask.kind === "unary" ? 1 : ask.items;
  if (read !== expected) return `ended as complete after ${read} of ${expected} items`;
  return undefined;
}

function mismatched({ ask }: CallRecord): boolean {
  const stream = ask.answer === "sync" || ask.answer === "async";
  const one = ask.answer === "now" || ask.answer === "later";
  return ask.kind === "unary" ? stream : one;
}

/** Whether it has to fail by what its handler does. */
function fails({ ask }: CallRecord): boolean {
  if (["refuse", "throw", "reject", "never"].includes(ask.answer)) return true;
  if (ask.badRequest) return true;
  return ask.badAt >= 0 && (ask.kind === "unary" || ask.badAt < ask.items);
}

function tooLarge({ plan }: World, { ask }: CallRecord): boolean {
  const max = plan.maxBufferLength ?? Infinity;
  if (HEADER + ask.requestSize > max) return true;
  const answers = ask.kind === "unary" || ask.items > 0;
  return answers && HEADER + ask.size > max;
}

function explained(world: World, call: CallRecord, error: unknown): boolean {
  const { plan, ask } = call;
  if (call.reason !== undefined && error === call.reason) {
    return call.settled! >= call.began + plan.cancelAfter!;
  }
  const { code } = error as { code?: string };
  if (!(error instanceof RpcError)) {
    // It could not even connect.
    return code === "refused" && (call.settled! >= world.endsAt || down(world, call));
  }
  switch (error.code as string) {
    case "deadline-exceeded":
      return plan.timeout !== undefined && call.settled! - call.began >= plan.timeout - 1;
    case "encode-failed":
      return ask.badRequest || tooLarge(world, call);
    case "cancelled":
      return fails(call) || mismatched(call) || tooLarge(world, call) || shutDown(world, call);
    case "connection-closed":
      return call.settled! >= world.endsAt || lost(world, call);
    case "unavailable":
      // A pool may have begun to connect just before the end.
      return call.settled! >= world.endsAt || down(world, call);
    case "stream-overflow":
      return world.plan.narrow && ask.kind === "stream";
    default:
      return mismatched(call);
  }
}

/** The servers that a call may have been given to. */
function servers({ plan }: World, { client }: CallRecord): string[] {
  const { pool, server } = plan.clients[client]!;
  return pool
    ? Array.from({ length: plan.servers }, (_, at) => serverName(at))
    : [serverName(server)];
}

/** What befell a call's servers or its client before it settled. */
function befell(world: World, call: CallRecord, kinds: readonly Fault["kind"][]): Fault[] {
  const who = [...servers(world, call), clientName(call.client)];
  return world.faults.filter((fault) =>
    kinds.includes(fault.kind) && fault.at <= call.settled! &&
    (fault.who === undefined || who.includes(fault.who))
  );
}

/** A server was down, or was leaving, before it settled, so connects failed. */
function down(world: World, call: CallRecord): boolean {
  const one = world.plan.mix === "fleet";
  // With one server down at a time, a pool finds another.
  return !one && befell(world, call, ["close", "kill", "cut", "stall"]).length > 0;
}

/** A server that shuts down cancels the calls that it has not finished in time. */
function shutDown(world: World, call: CallRecord): boolean {
  if (call.settled! >= world.endsAt) return true;
  return befell(world, call, ["close", "kill"]).some(({ at, ms }) =>
    call.settled! >= at + ms || world.plan.narrow
  );
}

/** Its connection was taken from it. */
function lost(world: World, call: CallRecord): boolean {
  // An orderly end lets a call finish, or lets it go elsewhere.
  // Without windows, a reader that pauses stops its connection.
  if (world.plan.narrow && world.plan.server.writeTimeout !== undefined) return true;
  const cruel = befell(world, call, ["cut", "kill", "stall", "end-client"]).length > 0;
  if (cruel) return true;
  const { pool } = world.plan.clients[call.client]!;
  const closed = befell(world, call, ["close"]).length > 0;
  return closed && (!pool || world.plan.mix !== "fleet");
}
