// The service of a run, whose handlers do what a call has planned.
import {
  defineService,
  implement,
  type Implementation,
  type MethodDefinition,
  type MethodKind,
  type ServerContext,
  type ServiceDefinition,
  ServiceError,
  type StandardSchema,
} from "@protosocket/protosocket/services";
import type { World } from "../world.ts";
import type { TypedRecord } from "./record.ts";

/** A request or a response: whose it is, its number, and filler. */
export interface Item {
  readonly call: number;
  readonly seq: number;
  readonly fill: string;
}

const item: StandardSchema<Item, Item> = {
  "~standard": {
    version: 1,
    vendor: "simulator",
    validate(value: unknown) {
      const { call, seq, fill } = Object(value);
      const is = Number.isInteger(call) && Number.isInteger(seq) && typeof fill === "string";
      return is ? { value: value as Item } : { issues: [{ message: "this is no item" }] };
    },
  },
};

type Method<Kind extends MethodKind> = MethodDefinition<Kind, Item, Item, Item, Item>;
const types = { request: item, response: item };

export const Typed: ServiceDefinition<{
  readonly unary: Method<"unary">;
  readonly unaryIdempotent: Method<"unary">;
  readonly server: Method<"server_streaming">;
  readonly client: Method<"client_streaming">;
  readonly bidi: Method<"bidi_streaming">;
}> = defineService("simulator.Typed", {
  unary: types,
  unaryIdempotent: { ...types, idempotent: true },
  server: { ...types, kind: "server_streaming" },
  client: { ...types, kind: "client_streaming" },
  bidi: { ...types, kind: "bidi_streaming" },
});

export function makeItem({ token, plan }: TypedRecord, seq: number): Item {
  return { call: token, seq, fill: "f".repeat(plan.size) };
}

/** What handlers throw that is told to nobody but `onError`. */
export class Planned extends Error {}

/** Makes the service's handlers; `running` is told how many of a connection's go on at once. */
export function implementation(
  world: World,
  calls: readonly TypedRecord[],
  running: (count: number) => void,
): Implementation {
  const counts = new WeakMap<object, number>();

  /** Runs what a handler does; it counts from here to its end. */
  async function* counted<T>(
    context: ServerContext,
    run: (record: TypedRecord) => AsyncIterable<T>,
  ): AsyncGenerator<T, undefined> {
    const record = begin(context);
    try {
      yield* run(record);
    } finally {
      end(record, context);
    }
  }

  function begin(context: ServerContext): TypedRecord {
    const record = calls[Number(context.metadata.get("call"))]!;
    const count = (counts.get(context.connection) ?? 0) + 1;
    counts.set(context.connection, count);
    running(count);
    record.begun++;
    record.running++;
    world.trace.say("typed server", "begins", record.name, record.plan.kind, record.plan.ending);
    context.responseMetadata.set("token", String(record.token));
    context.trailers.set("token", String(record.token));
    return record;
  }

  function end(record: TypedRecord, { connection }: ServerContext): void {
    counts.set(connection, counts.get(connection)! - 1);
    record.running--;
  }

  async function ending({ plan, token }: TypedRecord, { signal }: ServerContext): Promise<void> {
    if (plan.ending === "fail") {
      const details = [{ typeUrl: "a", value: new Uint8Array(3) }];
      throw new ServiceError("aborted", `planned ${token}`, { details });
    }
    if (plan.ending === "throw") throw new Planned("planned");
    if (plan.ending === "deaf") await world.clock.sleep(200 + plan.delay);
    if (plan.ending !== "wait") return;
    if (!signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    }
    throw signal.reason;
  }

  async function unary(_: Item, context: ServerContext): Promise<Item> {
    const record = begin(context);
    try {
      if (record.plan.delay > 0) await world.clock.sleep(record.plan.delay);
      await ending(record, context);
      return makeItem(record, 0);
    } finally {
      end(record, context);
    }
  }

  /** Reads as many requests as planned, each in its order; returns how many. */
  async function read(
    record: TypedRecord,
    requests: AsyncIterable<Item>,
    onRequest: (seq: number) => void,
  ): Promise<number> {
    const { plan, token, name } = record;
    let seq = 0;
    if (plan.readsRequests === 0) return 0;
    for await (const request of requests) {
      if (request.call !== token || request.seq !== seq) {
        world.violate(`${name} was sent request ${request.seq} of ${request.call}, not its ${seq}`);
      }
      onRequest(seq);
      world.progressed();
      if (++seq >= plan.readsRequests) return seq;
      if (plan.delay > 0) await world.clock.sleep(plan.delay % 30);
    }
    const isWhole = seq === plan.requests || record.leaves;
    if (!isWhole) world.violate(`${name} has ${seq} requests, not ${plan.requests}`);
    return seq;
  }

  const answerNow = (request: Item, context: ServerContext) => {
    const { plan } = calls[request.call]!;
    if (!plan.sync || plan.ending !== "answer") return unary(request, context);
    const record = begin(context);
    end(record, context);
    return makeItem(record, 0);
  };

  function* itemsNow(context: ServerContext): Generator<Item> {
    const record = begin(context);
    try {
      for (let seq = 0; seq < record.plan.items; seq++) {
        world.spin();
        yield makeItem(record, seq);
      }
    } finally {
      end(record, context);
    }
  }

  return implement(Typed, {
    unary: answerNow,
    unaryIdempotent: answerNow,
    server(request, context) {
      const { plan } = calls[request.call]!;
      if (plan.sync && plan.ending === "answer") return itemsNow(context);
      return counted(context, async function* (record) {
        for (let seq = 0; seq < plan.items; seq++) {
          if (plan.delay > 0) await world.clock.sleep(plan.delay % 30);
          world.spin();
          yield makeItem(record, seq);
        }
        await ending(record, context);
      });
    },
    async client(requests, context) {
      const record = begin(context);
      try {
        const count = await read(record, requests, () => {});
        await ending(record, context);
        return makeItem(record, count);
      } finally {
        end(record, context);
      }
    },
    bidi: (requests, context) =>
      counted(context, async function* (record) {
        // Reads ahead of its reader.
        const seen: number[] = [];
        let wake = () => {};
        let over = false;
        let error: unknown;
        const reading = read(record, requests, (seq) => (seen.push(seq), wake()))
          .catch((thrown) => error = thrown)
          .finally(() => (over = true, wake()));
        try {
          while (!over || seen.length > 0) {
            if (seen.length > 0) yield makeItem(record, seen.shift()!);
            else await new Promise<void>((resolve) => wake = resolve);
          }
          if (error !== undefined) throw error;
          await ending(record, context);
        } finally {
          record.leaves = true;
          await requests.return?.();
          await reading;
        }
      }),
  });
}
