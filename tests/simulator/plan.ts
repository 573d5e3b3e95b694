// What a seed means: the parts of a run, all drawn before it begins.
import { Draw } from "./draw.ts";
import { HEADER } from "./messages.ts";
import type { NetworkOptions } from "./network.ts";

/** How a handler answers. */
export type Answer =
  | "now"
  | "later"
  | "sync"
  | "async"
  | "refuse"
  | "throw"
  | "reject"
  | "never";

/** What a call asks for. */
export interface Ask {
  /** How the client calls: for one response or for a stream. */
  readonly kind: "unary" | "stream";
  readonly answer: Answer;
  /** How many items a stream has; `Infinity` for one without end. */
  readonly items: number;
  /** Bytes of filler of each response, and of the request. */
  readonly size: number;
  readonly requestSize: number;
  /** Milliseconds before the response, or between the items of an async stream. */
  readonly delay: number;
  /** The number of the item, or response, that cannot be encoded; -1 for none. */
  readonly badAt: number;
  /** The request cannot be encoded. */
  readonly badRequest: boolean;
}

/** How a stream is read. */
export interface Reading {
  /** Milliseconds spent with each item. */
  readonly pace: number;
  /** After so many items, `then` happens. */
  readonly after: number;
  readonly then: "leave" | "pause" | "stall" | "nothing";
  /** A unary call is made, and awaited, with each item. */
  readonly loop: boolean;
}

/** One call. */
export interface CallPlan {
  readonly ask: Ask;
  readonly reading: Reading;
  readonly timeout: number | undefined;
  /** Milliseconds after which its signal fires. */
  readonly cancelAfter: number | undefined;
  readonly idempotent: boolean;
  readonly key: number | undefined;
  /** Milliseconds before it begins, after the one before it. */
  readonly gap: number;
}

/** Calls that follow each other, on one client. */
export interface ActorPlan {
  readonly client: number;
  readonly calls: readonly CallPlan[];
  /** Whether each call waits for the one before it. */
  readonly oneByOne: boolean;
  /** Whether the run does not wait for it: it goes on until the run ends. */
  readonly background: boolean;
}

export interface ClientPlan {
  readonly pool: boolean;
  /** The server that it connects to, if it is not a pool. */
  readonly server: number;
  readonly slots: number;
  readonly maxBufferedBytes: number;
  readonly maxBufferedItems: number;
  /** How it ends. */
  readonly end: "close" | "drain" | "abort";
}

/** Something that befalls the run. */
export interface FaultPlan {
  readonly at: number;
  readonly kind: "cut" | "stall" | "close" | "kill" | "freeze" | "end-client";
  /** The server, or the client, whose fault it is. */
  readonly target: number;
  /** How long a stall or a freeze lasts; how long a closing server may take; how soon it is back. */
  readonly ms: number;
  readonly back: number | undefined;
}

/** A server of the core without RPCs, which echoes, and a client that sends so many messages. */
export interface EchoPlan {
  readonly messages: number;
  readonly size: number;
  readonly maxQueuedMessages: number;
  /** When the server closes; the client's own end comes after its last echo. */
  readonly closeAt: number | undefined;
  /** How the reactor sends: it returns the promise, or it sends all the time without being asked. */
  readonly chatter: boolean;
}

/** A peer that asks and never reads. */
export interface GreedyPlan {
  readonly server: number;
  readonly requests: number;
  readonly ask: Ask;
}

export interface Plan {
  readonly mix: Mix;
  readonly network: NetworkOptions;
  readonly servers: number;
  readonly clients: readonly ClientPlan[];
  readonly actors: readonly ActorPlan[];
  readonly faults: readonly FaultPlan[];
  readonly echoes: readonly EchoPlan[];
  readonly greedy: readonly GreedyPlan[];
  readonly narrow: boolean;
  readonly server: {
    readonly maxConcurrentRpcs: number;
    readonly maxQueuedMessages: number;
    readonly maxPipelinedBytes: number | undefined;
    readonly writeTimeout: number | undefined;
  };
  readonly maxBufferLength: number | undefined;
  readonly clientQueue: number;
}

export const MIXES = [
  "unary",
  "streams",
  "loops",
  "pipelined",
  "crowded",
  "echo",
  "fleet",
  "mismatch",
  "faults",
  "everything",
] as const;
export type Mix = typeof MIXES[number];

/** Nothing of a seed's plan takes longer than this by itself, in milliseconds. */
const LONGEST = 800;

function ask(draw: Draw, kind: Ask["kind"], odd: number): Ask {
  const strange = draw.chance(odd);
  const answers: Answer[] = kind === "unary" ? ["now", "now", "later"] : ["sync", "async"];
  const answer = strange ? draw.pick(["refuse", "throw", "reject"] as const) : draw.pick(answers);
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

const READ_ALL: Reading = { pace: 0, after: 0, then: "nothing", loop: false };

function reading(draw: Draw): Reading {
  const then = draw.pick(["leave", "pause", "nothing", "nothing"] as const);
  return { pace: draw.pick([0, 0, 1, 7, 130]), after: draw.between(0, 20), then, loop: false };
}

function call(draw: Draw, kind: Ask["kind"], odd: number): CallPlan {
  return {
    ask: ask(draw, kind, odd),
    reading: kind === "unary" ? READ_ALL : reading(draw),
    timeout: draw.chance(odd) ? draw.between(1, 500) : undefined,
    cancelAfter: draw.chance(odd) ? draw.between(0, 200) : undefined,
    idempotent: draw.chance(30),
    key: draw.chance(10) ? draw.below(10) : undefined,
    gap: draw.pick([0, 0, 0, 1, 10, 50]),
  };
}

function actor(client: number, calls: CallPlan[], more: Partial<ActorPlan> = {}): ActorPlan {
  return { client, calls, oneByOne: true, background: false, ...more };
}

/** Makes the plan of a seed. */
export function plan(seed: number, only?: Mix): Plan {
  const draw = new Draw(seed);
  const drawn = draw.pick(MIXES);
  return Planner[only ?? drawn](draw);
}

/** What all plans have, before a mix adds its own. */
function base(draw: Draw, mix: Mix): { -readonly [key in keyof Plan]: Plan[key] } {
  const slow = draw.between(1, 20);
  return {
    mix,
    network: {
      capacity: draw.pick([200, 1000, 4000, 16384, 65536]),
      latency: draw.pick([[0.1, 0.1], [0.1, 2], [1, 1], [1, slow]]),
      piece: draw.pick([7, 100, 1500, 65536]),
      sync: draw.pick([0, 50, 100]),
    },
    servers: 1,
    clients: [client(draw)],
    actors: [],
    faults: [],
    echoes: [],
    greedy: [],
    narrow: draw.chance(20),
    server: {
      maxConcurrentRpcs: draw.pick([1, 2, 8, 100, 1024]),
      maxQueuedMessages: draw.pick([1, 2, 16, 256]),
      maxPipelinedBytes: draw.pick([300, 2000, 20000, undefined]),
      writeTimeout: undefined,
    },
    maxBufferLength: undefined,
    clientQueue: draw.pick([1, 16, 256]),
  };
}

function client(draw: Draw, more: Partial<ClientPlan> = {}): ClientPlan {
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

/** Streams that never end by themselves take places for good: there must be some for the others. */
function withRoom(plan: ReturnType<typeof base>, streams: number): void {
  const { server } = plan;
  const maxConcurrentRpcs = Math.max(server.maxConcurrentRpcs, streams + 1);
  plan.server = { ...server, maxConcurrentRpcs };
}

function endless(draw: Draw, then: "nothing" | "stall"): CallPlan {
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

/** A network on which an endless stream does not cost too much while others are waited for. */
function narrowed(draw: Draw, network: NetworkOptions): NetworkOptions {
  const piece = Math.max(network.piece, 100);
  return { ...network, capacity: draw.pick([1000, 4000, 16384]), latency: [1, 1], piece };
}

/** Without windows, 128 KiB are encoded ahead: to wait for them each time would take too long. */
function withoutStops(plan: ReturnType<typeof base>): void {
  if (plan.narrow) plan.server = { ...plan.server, maxPipelinedBytes: undefined };
}

/** A call that is answered soon. */
function soon(call: CallPlan): CallPlan {
  return { ...call, ask: { ...call.ask, delay: call.ask.delay % 20 } };
}

const Planner: Record<Mix, (draw: Draw) => Plan> = {
  unary(draw) {
    const plan = base(draw, "unary");
    plan.actors = draw.times(
      draw.between(1, 5),
      () =>
        actor(0, draw.times(draw.between(1, 40), () => call(draw, "unary", 5)), {
          oneByOne: draw.chance(50),
        }),
    );
    return plan;
  },
  streams(draw) {
    const plan = base(draw, "streams");
    plan.actors = draw.times(draw.between(1, 5), () =>
      actor(
        0,
        draw.times(
          draw.between(1, 8),
          () => call(draw, draw.pick(["unary", "stream", "stream"]), 5),
        ),
        { oneByOne: draw.chance(50) },
      ));
    withRoom(plan, 40);
    return plan;
  },
  loops(draw) {
    const plan = base(draw, "loops");
    const loops = draw.between(1, 4);
    if (draw.chance(40)) plan.clients = [client(draw, { pool: true })];
    plan.actors = draw.times(loops, () => {
      const stream = call(draw, "stream", 0);
      const reading = { pace: 0, after: 0, then: "nothing", loop: true } as const;
      const items = draw.pick([10, 40, 120, 300]);
      return actor(0, [{ ...stream, reading, ask: { ...stream.ask, items } }]);
    });
    withRoom(plan, loops);
    return plan;
  },
  pipelined(draw) {
    const plan = base(draw, "pipelined");
    const streams = draw.between(1, 2);
    plan.actors = [
      ...draw.times(
        streams,
        () =>
          actor(0, [endless(draw, draw.pick(["nothing", "nothing", "stall"]))], {
            background: true,
          }),
      ),
      ...draw.times(
        draw.between(1, 3),
        () => actor(0, draw.times(draw.between(5, 30), () => soon(call(draw, "unary", 3)))),
      ),
    ];
    plan.network = narrowed(draw, plan.network);
    withRoom(plan, streams);
    withoutStops(plan);
    return plan;
  },
  crowded(draw) {
    const plan = base(draw, "crowded");
    const streams = draw.between(1, 4);
    plan.actors = [
      ...draw.times(streams, () => {
        const stream = endless(draw, "nothing");
        const ask = { ...stream.ask, answer: "async", size: draw.pick([0, 10, 100]) } as const;
        return actor(0, [{ ...stream, ask, reading: { ...READ_ALL, after: 1 } }], {
          background: true,
        });
      }),
      actor(0, draw.times(draw.between(1, 10), () => soon(call(draw, "unary", 0)))),
    ];
    plan.network = narrowed(draw, plan.network);
    plan.server = { ...plan.server, maxConcurrentRpcs: draw.between(streams + 1, streams + 4) };
    withoutStops(plan);
    plan.greedy = draw.times(draw.below(2), () => ({
      server: 0,
      requests: draw.between(10, 200),
      ask: ask(draw, "unary", 0),
    }));
    return plan;
  },
  echo(draw) {
    const plan = base(draw, "echo");
    plan.clients = [];
    // What is encoded already must have left within the drain's timeout.
    const { capacity, latency: [least] } = plan.network;
    const piece = Math.max(plan.network.piece, 100);
    plan.network = { ...plan.network, capacity: capacity + 4000, latency: [least, 2], piece };
    plan.echoes = draw.times(draw.between(1, 2), () => ({
      messages: draw.between(1, 300),
      size: draw.pick([0, 10, 100, 1000]),
      maxQueuedMessages: draw.pick([1, 2, 16, 256]),
      closeAt: draw.chance(70) ? draw.between(0, 100) : undefined,
      chatter: draw.chance(25),
    }));
    return plan;
  },
  fleet(draw) {
    const plan = base(draw, "fleet");
    plan.servers = draw.between(2, 3);
    plan.clients = [client(draw, { pool: true, slots: draw.between(1, 6) })];
    plan.narrow = false;
    plan.actors = draw.times(draw.between(4, 12), () =>
      actor(
        0,
        draw.times(draw.between(5, 30), () => {
          const unary = call(draw, "unary", 0);
          const delay = draw.pick([5, 20, 100]);
          return {
            ...unary,
            key: undefined,
            ask: { ...unary.ask, delay },
            gap: draw.between(0, 20),
          };
        }),
      ));
    const rolling = draw.between(1, plan.servers);
    const every = draw.between(400, 700);
    plan.faults = draw.times(rolling, (at) => ({
      at: draw.between(20, 150) + at * every,
      kind: "close",
      target: at,
      ms: 5000,
      // Back before the next one goes.
      back: draw.between(120, 250),
    }));
    return plan;
  },
  mismatch(draw) {
    const plan = base(draw, "mismatch");
    // Only who has room for the announcement of windows is told what a call expects.
    plan.narrow = false;
    withRoom(plan, 10);
    plan.network = narrowed(draw, plan.network);
    plan.actors = draw.times(draw.between(1, 3), () =>
      actor(
        0,
        draw.times(draw.between(1, 4), () => {
          const kind = draw.pick(["unary", "stream"] as const);
          const right = call(draw, kind, 0);
          if (draw.chance(50)) return right;
          const answer = kind === "unary" ? draw.pick(["sync", "async"] as const) : "later";
          const items = draw.pick([1, 3, 40, Infinity]);
          const size = draw.pick([200, 700]);
          return { ...right, ask: { ...right.ask, answer, items, size } };
        }),
      ));
    return plan;
  },
  faults(draw) {
    const plan = draw.pick([Planner.unary, Planner.streams, Planner.loops])(draw);
    return { ...plan, mix: "faults", faults: faults(draw, plan) };
  },
  everything(draw) {
    const plan = base(draw, "everything");
    plan.servers = draw.between(1, 3);
    const clients = draw.between(1, 3);
    plan.clients = draw.times(
      clients,
      () => client(draw, { pool: draw.chance(50), server: draw.below(plan.servers) }),
    );
    const any = () => draw.below(clients);
    const background = draw.below(3);
    const loops = draw.below(3);
    plan.actors = [
      ...draw.times(
        background,
        () => actor(any(), [endless(draw, draw.pick(["nothing", "stall"]))], { background: true }),
      ),
      ...draw.times(loops, () => {
        const stream = call(draw, "stream", 3);
        return actor(any(), [{ ...stream, reading: { ...READ_ALL, loop: true } }]);
      }),
      ...draw.times(draw.between(1, 5), () =>
        actor(
          any(),
          draw.times(draw.between(1, 15), () => call(draw, draw.pick(["unary", "stream"]), 5)),
          { oneByOne: draw.chance(50) },
        )),
    ];
    withRoom(plan, 80);
    // What streams without end have sent ahead stands in the way of the others.
    if (background > 0) plan.network = narrowed(draw, plan.network);
    if (draw.chance(30)) {
      plan.maxBufferLength = HEADER + draw.pick([100, 700, 1000]);
    }
    if (draw.chance(50)) plan.faults = faults(draw, plan);
    plan.greedy = draw.times(draw.below(2), () => ({
      server: draw.below(plan.servers),
      requests: draw.between(10, 100),
      ask: ask(draw, "unary", 0),
    }));
    return plan;
  },
};

function faults(draw: Draw, plan: Plan): FaultPlan[] {
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
