// Those who make the calls of a run, each as its plan says.
import { type Message, message } from "./messages.ts";
import type { ActorPlan, CallPlan, Reading } from "./plan.ts";
import { CallRecord } from "./record.ts";
import { countedSignal } from "../support/counted_signal.ts";
import { clientName, type World } from "./world.ts";

/** Makes the calls of one actor; resolves when all have settled. */
export async function act(
  world: World,
  { calls, client, oneByOne, background }: ActorPlan,
): Promise<void> {
  const pending: Promise<void>[] = [];
  for (const plan of calls) {
    if (plan.gap > 0) await world.clock.sleep(plan.gap);
    if (world.ending) break;
    const call = makeCall(world, plan, client, background);
    if (oneByOne) await call;
    else pending.push(call);
  }
  await Promise.all(pending);
}

/** Makes one call; resolves when it has settled, however that may be. */
async function makeCall(
  world: World,
  plan: CallPlan,
  client: number,
  background: boolean,
): Promise<void> {
  const { clock, trace } = world;
  const call = new CallRecord(world.calls.length, plan, client, clock.now);
  world.calls.push(call);
  const onward = () => background || world.progressed();
  const signal = plan.cancelAfter === undefined ? undefined : countedSignal();
  call.signal = signal;
  if (signal) {
    call.reason = new Error(`${call.name} was cancelled by its caller`);
    clock.at(plan.cancelAfter!, () => signal.controller.abort(call.reason));
  }
  const { timeout, idempotent, key } = plan;
  const options = {
    ...(timeout !== undefined && { timeout }),
    ...(signal && { signal: signal.signal }),
  };
  try {
    const waiting = world.caller(client);
    const caller = waiting instanceof Promise ? await waiting : waiting;
    const pooled = { ...options, idempotent, ...(key !== undefined && { key }) };
    const request = message(call.token, 0, plan.ask.requestSize, plan.ask.badRequest);
    trace.say(clientName(client), call.name, plan.ask.kind, plan.ask.answer, plan.ask.items);
    const given = world.pools[client] ? pooled : options;
    onward();
    if (plan.ask.kind === "unary") check(world, call, await caller.unary(request, given));
    else await read(world, call, caller.streaming(request, given), onward);
  } catch (error) {
    call.error = error;
  }
  call.settled = clock.now;
  trace.say(clientName(client), call.name, call.error === undefined ? "done" : call.error);
  onward();
}

async function read(
  world: World,
  call: CallRecord,
  stream: AsyncIterable<Message>,
  onward: () => void,
): Promise<void> {
  const { reading } = call.plan;
  for await (const item of stream) {
    check(world, call, item);
    onward();
    if (await linger(world, call, reading, onward)) return;
  }
  call.complete = true;
}

/** Does with an item what is planned; returns whether to leave. */
async function linger(
  world: World,
  call: CallRecord,
  { pace, after, then, loop }: Reading,
  onward: () => void,
): Promise<boolean> {
  if (pace > 0) await world.clock.sleep(pace);
  if (loop) {
    const { ask } = call;
    const unary = { kind: "unary", answer: "now", delay: 0 } as const;
    await makeCall(
      world,
      { ...call.plan, ask: { ...ask, ...unary, badAt: -1, badRequest: false } },
      call.client,
      false,
    );
  }
  const endless = call.ask.items === Infinity;
  if (call.read <= after) return false;
  if (then === "leave" || endless && then !== "stall" && world.ending) call.left = true;
  else if (then === "pause" && !call.paused) {
    call.paused = true;
    await world.clock.sleep(800);
    onward();
  } else if (then === "stall") {
    call.stalled = true;
    await world.untilEnd();
    call.left = true;
  }
  return call.left;
}

/** An item must be the next of its own call. */
function check(world: World, call: CallRecord, { call: token, seq, size }: Message): void {
  const expected = call.read++;
  if (token === call.token && seq === expected && size === call.ask.size || call.astray) return;
  call.astray = true;
  world.violate(
    `${call.name} got item ${seq} of call ${token} with ${size} bytes, ` +
      `not its item ${expected} with ${call.ask.size}`,
  );
}
