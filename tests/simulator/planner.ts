// What a seed means: a mix, and what that draws.
import { Draw } from "./draw.ts";
import { HEADER } from "./messages.ts";
import type { NetworkOptions } from "./network.ts";
import { actor, ask, call, client, endless, faults, READ_ALL, soon } from "./parts.ts";
import { type Mix, MIXES, type Plan } from "./plan.ts";
import { servicesPlan } from "./services/plan.ts";

/** Makes the plan of a seed. */
export function plan(seed: number, only?: Mix): Plan {
  const draw = new Draw(seed);
  const drawn = draw.pick(MIXES);
  return Planner[only ?? drawn](draw);
}

/** What all plans have, before a mix adds its own. */
function base(draw: Draw, mix: Mix): { -readonly [key in keyof Plan]: Plan[key] } {
  const slow = draw.between(1, 20);
  const network = {
    capacity: draw.pick([200, 1000, 4000, 16384, 65536]),
    latency: draw.pick<NetworkOptions["latency"]>([[0.1, 0.1], [0.1, 2], [1, 1], [1, slow]]),
    piece: draw.pick([7, 100, 1500, 65536]),
    // Sockets have the synchronous face; the streams' takes twice the time.
    sync: draw.pick([0, 50, 100, 100, 100, 100]),
  };
  return {
    mix,
    network,
    servers: 1,
    clients: [client(draw)],
    actors: [],
    faults: [],
    echoes: [],
    greedy: [],
    services: [],
    narrow: draw.chance(20),
    server: {
      maxConcurrentRpcs: draw.pick([1, 2, 8, 100, 1024]),
      maxQueuedMessages: draw.pick([1, 2, 16, 256]),
      maxPipelinedBytes: draw.pick([300, 2000, 20000, undefined]),
      // Streams do not tell how much of a write has gone: with them, a whole one must be in time.
      writeTimeout: network.sync === 100 ? draw.pick([undefined, undefined, 200, 1000]) : undefined,
    },
    maxBufferLength: undefined,
    clientQueue: draw.pick([1, 16, 256]),
  };
}

/** Streams that never end by themselves take places for good: there must be some for the others. */
function withRoom(plan: ReturnType<typeof base>, streams: number): void {
  const { server } = plan;
  const maxConcurrentRpcs = Math.max(server.maxConcurrentRpcs, streams + 1);
  plan.server = { ...server, maxConcurrentRpcs };
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
  services(draw) {
    const plan = base(draw, "services");
    plan.clients = [];
    plan.services = [servicesPlan(draw)];
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
