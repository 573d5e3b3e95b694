// Draws the parts of a plan.
import type { Draw } from "./draw.ts";
import type {
  ActorPlan,
  Answer,
  Ask,
  CallPlan,
  ClientPlan,
  FaultPlan,
  Plan,
  Reading,
} from "./plan.ts";

/** Nothing of a seed's plan takes longer than this by itself, in milliseconds. */
const LONGEST = 800;

export function ask(draw: Draw, kind: Ask["kind"], odd: number): Ask {
  const strange = draw.chance(odd);
  const answers: Answer[] = kind === "unary" ? ["now", "now", "later"] : ["sync", "async"];
  const answer = strange
    ? draw.pick(["refuse", "throw", "reject", "never"] as const)
    : draw.pick(answers);
  const items = draw.pick([0, 1, 3, 10, 40, 40, 120]);
  const bad = draw.chance(odd);
  return {
    kind,
    answer,
    items,
    size: draw.pick([0, 10, 10, 100, 700]),
    requestSize: draw.pick([0, 10, 10, 100, 1000]),
    delay: answer === "async"
      ? draw.pick([0, 0, 0, 1, 5])
      : draw.pick([0, 1, 20, 100, draw.between(1, LONGEST)]),
    badAt: bad ? draw.below(kind === "unary" ? 1 : Math.max(1, items)) : -1,
    badRequest: draw.chance(odd / 4),
  };
}

export const READ_ALL: Reading = { pace: 0, after: 0, then: "nothing", loop: false };

function reading(draw: Draw): Reading {
  const then = draw.pick(["leave", "pause", "nothing", "nothing"] as const);
  return { pace: draw.pick([0, 0, 1, 7, 130]), after: draw.between(0, 20), then, loop: false };
}

export function call(draw: Draw, kind: Ask["kind"], odd: number): CallPlan {
  const asked = ask(draw, kind, odd);
  return {
    ask: asked,
    reading: kind === "unary" ? READ_ALL : reading(draw),
    // One that is never answered takes its place for as long as its caller lets it.
    timeout: asked.answer === "never" || draw.chance(odd) ? draw.between(1, 500) : undefined,
    cancelAfter: draw.chance(odd) ? draw.between(0, 200) : undefined,
    idempotent: draw.chance(30),
    key: draw.chance(10) ? draw.below(10) : undefined,
    gap: draw.pick([0, 0, 0, 1, 10, 50]),
  };
}

export function actor(client: number, calls: CallPlan[], more: Partial<ActorPlan> = {}): ActorPlan {
  return { client, calls, oneByOne: true, background: false, ...more };
}

export function client(draw: Draw, more: Partial<ClientPlan> = {}): ClientPlan {
  return {
    pool: false,
    server: 0,
    slots: draw.between(1, 4),
    maxBufferedBytes: draw.pick([1, 1000, 5000, 2 ** 20]),
    maxBufferedItems: draw.pick([1, 2, 10, 1024]),
    end: draw.pick(["close", "close", "drain", "drain", "abort"]),
    ...more,
  };
}

export function endless(draw: Draw, then: "nothing" | "stall"): CallPlan {
  return {
    ...call(draw, "stream", 0),
    ask: {
      ...ask(draw, "stream", 0),
      answer: draw.pick(["sync", "async"]),
      items: Infinity,
      size: draw.pick([200, 700, 1500]),
      delay: draw.pick([0, 0, 1, 5]),
    },
    reading: { pace: 1, after: draw.between(0, 20), then, loop: false },
    gap: 0,
  };
}

/** A call that is answered soon. */
export function soon(call: CallPlan): CallPlan {
  return { ...call, ask: { ...call.ask, delay: call.ask.delay % 20 } };
}

export function faults(draw: Draw, plan: Plan): FaultPlan[] {
  return draw.times(draw.between(1, 4), () => {
    const kind = draw.pick(
      ["cut", "cut", "stall", "close", "kill", "freeze", "end-client"] as const,
    );
    return {
      at: draw.between(0, 300),
      kind,
      target: draw.below(kind === "end-client" ? plan.clients.length : plan.servers),
      ms: kind === "close" ? draw.pick([0, 50, 5000]) : draw.between(1, 1000),
      back: draw.chance(80) ? draw.between(0, 300) : undefined,
    };
  });
}
