import process from "node:process";
import { act } from "./actors.ts";
import { VirtualClock } from "./clock.ts";
import { Draw } from "./draw.ts";
import { echo } from "./echo.ts";
import { schedule } from "./faults.ts";
import { greedy } from "./greedy.ts";
import { wrong } from "./model.ts";
import type { Mix } from "./plan.ts";
import { plan } from "./planner.ts";
import type { CallRecord } from "./record.ts";
import { services } from "./services/services.ts";
import { shown } from "./trace.ts";
import { World } from "./world.ts";

/**
 * Without any progress for so many milliseconds, or so much work, nothing will come any more. A
 * stream that was encoded ahead takes minutes on the slowest network, before the call behind it,
 * and two of them in pieces of 7 bytes are 100,000 of work.
 */
const HOPELESS = 200_000;
const HOPELESS_WORK = 500_000;
/** Milliseconds within which what is told to a server has reached it. */
const TOLD = 8000;
/** Milliseconds within which everything ends, once it is asked to. */
const ENDED = 60_000;

/** What came of a seed. */
export interface Result {
  readonly seed: number;
  readonly mix: Mix;
  /** What must not be; nothing if all is well. */
  readonly violations: readonly string[];
  /** What happened, in lines, at most so many. */
  readonly trace: (most: number) => string;
  readonly calls: number;
  /** How much virtual time passed, in milliseconds. */
  readonly virtual: number;
}

/** Runs what a seed means, in virtual time. Only one may run at a time. */
export async function run(seed: number, only?: Mix): Promise<Result> {
  const clock = new VirtualClock();
  const draw = new Draw(seed ^ 0xd1ce);
  const restore = clock.install(() => draw.below(2 ** 30) / 2 ** 30);
  const unhandled: unknown[] = [];
  const stopWatching = watchRejections(unhandled);
  const world = new World(plan(seed, only), clock, seed);
  try {
    await simulate(world);
  } finally {
    restore();
    stopWatching();
  }
  for (const error of unhandled) world.violate(`nobody handles ${shown(error)}`);
  return {
    seed,
    mix: world.plan.mix,
    violations: world.violations,
    trace: (most) => world.trace.text(most),
    calls: world.calls.length + world.typedCalls,
    virtual: clock.now,
  };
}

async function simulate(world: World): Promise<void> {
  const { clock, plan, trace } = world;
  const { mix, network, server, clients } = plan;
  trace.say("plan", mix, { network, server, clients, narrow: plan.narrow });
  schedule(world);
  const background = plan.actors.filter(({ background }) => background);
  const behind = [
    ...background.map((actor) => act(world, actor)),
    ...plan.greedy.map((each) => greedy(world, each)),
  ];
  const front = Promise.all([
    ...plan.actors.filter(({ background }) => !background).map((actor) => act(world, actor)),
    ...plan.echoes.map((each, at) => echo(world, each, at)),
    ...plan.services.map((each) => services(world, each)),
  ]);
  if (await settles(world, front) !== "done") {
    for (const call of world.calls.filter((call) => isWaitedFor(world, call))) {
      world.violate(
        `${call.name} hangs: ${call.ask.kind}, answered by ${call.ask.answer}, ` +
          `read ${call.read}, handlers ${JSON.stringify(call.handlers)}`,
      );
    }
    for (const what of world.hanging.flatMap((hanging) => hanging())) world.violate(what);
    if (world.violations.length === 0) world.violate("An echo hangs, or the end of a service");
  }
  await untilTold(world);
  await end(world, [...behind, front]);
  for (const call of world.calls) {
    const problem = call.client >= 0 && call.settled !== undefined && wrong(world, call);
    if (problem) world.violate(`${call.name} ${problem}`);
  }
  await nothingLeft(world);
  trace.say("end", "after", clock.ran, "timers");
}

function isWaitedFor(world: World, call: CallRecord): boolean {
  if (call.settled !== undefined || call.client < 0) return false;
  const endless = call.ask.items === Infinity && call.ask.kind === "stream";
  return !(endless || call.stalled) || world.plan.mix === "mismatch";
}

/** Runs until a promise settles, or nobody that the run waits for gets on any more. */
async function settles(world: World, promise: Promise<unknown>): Promise<string> {
  const { clock } = world;
  let done = false;
  promise.then(() => done = true, (error) => {
    done = true;
    world.violate(`The simulator itself failed: ${shown(error)} ${error?.stack}`);
  });
  world.progressed();
  return await clock.run(
    () => clock.work - world.progress.work > HOPELESS_WORK ? -1 : world.progress.at + HOPELESS,
    () => done,
  );
}

/** A limit in milliseconds, and in work, from now. */
function within(world: World, ms: number): () => number {
  const { clock } = world;
  const { work, now } = clock;
  return () => clock.work - work > HOPELESS_WORK ? -1 : now + ms;
}

/** Handlers whose calls are over must have been told so. */
async function untilTold(world: World): Promise<void> {
  const { clock } = world;
  const untold = () =>
    world.calls.filter((call) =>
      call.client >= 0 && call.settled !== undefined && call.handlers.some(({ over }) => !over)
    );
  await clock.run(within(world, TOLD), () => untold().length === 0);
  for (const call of untold()) {
    const { ask, error } = call;
    world.violate(
      `The handler of ${call.name}, ${ask.kind} answered by ${ask.answer}, goes on after the call has ` +
        (error === undefined ? "ended" : `failed: ${shown(error)}`),
    );
  }
}

async function end(world: World, rest: Promise<unknown>[]): Promise<void> {
  const { clock, trace, plan } = world;
  trace.say("end", "begins");
  world.fault("end", undefined);
  world.end();
  const ends: [string, Promise<unknown>][] = rest.map((each) => ["an actor", each]);
  for (const [at, { end }] of plan.clients.entries()) {
    const client = world.pools[at] ?? world.clients[at];
    if (client === undefined) continue;
    if (end === "abort" && "abort" in client) client.abort();
    else {ends.push([
        `client ${at}`,
        end === "drain" ? client.drain({ timeout: 500 }) : client.close(),
      ]);}
  }
  for (const [at, server] of world.servers.entries()) {
    if (server) ends.push([`server ${at}`, server.close({ timeout: 500 })]);
  }
  for (const each of world.ends) ends.push(["a server", each]);
  const left = new Set(ends);
  for (const each of ends) {
    each[1].then(() => left.delete(each), (error) => {
      left.delete(each);
      world.violate(`The end of ${each[0]} failed: ${shown(error)}`);
    });
  }
  await clock.run(within(world, ENDED), () => left.size === 0);
  for (const [what] of left) world.violate(`The end of ${what} hangs`);
}

/** Nothing may be left behind. */
async function nothingLeft(world: World): Promise<void> {
  const { clock } = world;
  const clean = () =>
    clock.left.length === 0 && world.network.links.every(({ over }) => over) &&
    world.calls.every(({ handlers }) => handlers.every(({ over }) => over));
  await clock.run(within(world, 2 * TOLD), clean);
  if (clock.left.length > 0) {
    const due = clock.left.map((at) => Math.round(at - clock.now));
    world.violate(`${due.length} timers are left, due in ${due.slice(0, 5)} ms`);
  }
  for (const link of world.network.links) {
    if (!link.over) world.violate(`${link.name} from ${link.from} to ${link.to} is left open`);
  }
  for (const server of world.allServers) {
    const { size } = server.connections;
    if (size > 0) world.violate(`A server has ${size} connections left`);
  }
  for (const client of world.allClients) {
    if (client.inFlight > 0) world.violate(`A client has ${client.inFlight} calls left`);
  }
  for (const call of world.calls) {
    if (call.client >= 0 && call.settled === undefined) world.violate(`${call.name} never settled`);
    if (call.handlers.some(({ over }) => !over)) {
      world.violate(`A handler of ${call.name}, answered by ${call.ask.answer}, was never told`);
    }
    // One that has fired may keep listeners: nothing calls them any more.
    const { signal, listeners } = call.signal ?? {};
    if (signal?.aborted === false && listeners!.size > 0) {
      world.violate(`The signal of ${call.name} has ${listeners!.size} listeners left`);
    }
  }
}

/** Collects rejections that nobody handles; returns what ends that. */
function watchRejections(into: unknown[]): () => void {
  const onRejection = (reason: unknown) => void into.push(reason);
  process.on("unhandledRejection", onRejection);
  return () => process.off("unhandledRejection", onRejection);
}
