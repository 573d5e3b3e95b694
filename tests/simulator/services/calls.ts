// Those who make typed calls, each as its plan says.
import type { Client, ServiceCallOptions } from "@protosocket/protosocket/services";
import { countedSignal } from "../../support/counted_signal.ts";
import type { World } from "../world.ts";
import type { TypedPlan } from "./plan.ts";
import { TypedRecord } from "./record.ts";
import { type Item, makeItem, Planned, type Typed } from "./service.ts";

export type TypedClient = Client<typeof Typed>;

/** Makes a call; resolves when it has settled, however that may be. */
export async function makeCall(
  world: World,
  calls: TypedRecord[],
  plan: TypedPlan,
  connect: () => Promise<TypedClient> | TypedClient,
): Promise<void> {
  const { clock, trace } = world;
  const call = new TypedRecord(calls.length, plan, clock.now);
  calls.push(call);
  world.typedCalls++;
  const signal = call.signal = plan.cancelAfter === undefined ? undefined : countedSignal();
  if (signal) {
    call.reason = new Error(`${call.name} was cancelled by its caller`);
    clock.at(plan.cancelAfter!, () => signal.controller.abort(call.reason));
  }
  const options: ServiceCallOptions = {
    metadata: call.metadata,
    onMetadata: (metadata) => void call.beside.push(metadata.get("token")),
    onTrailers: (trailers) => void call.beside.push(trailers.get("token")),
    ...(plan.timeout !== undefined && { timeout: plan.timeout }),
    ...(plan.hedgeAfter !== undefined && { hedgeAfter: plan.hedgeAfter }),
    ...(signal && { signal: signal.signal }),
  };
  try {
    const client = await connect();
    trace.say("typed client", call.name, plan.kind, plan.ending, plan.timeout ?? "");
    world.progressed();
    call.made = clock.now;
    await perform(world, call, client, options);
  } catch (error) {
    call.error = error;
  }
  call.settled = clock.now;
  trace.say("typed client", call.name, call.error === undefined ? "done" : call.error);
  world.progressed();
}

async function perform(
  world: World,
  call: TypedRecord,
  client: TypedClient,
  options: ServiceCallOptions,
): Promise<void> {
  const { kind, idempotent, sync } = call.plan;
  const source = sync ? requestsNow(world, call) : requests(world, call);
  switch (kind) {
    case "unary": {
      const method = idempotent ? client.unaryIdempotent : client.unary;
      call.answer = await method(makeItem(call, 0), options);
      return;
    }
    case "client":
      call.answer = await client.client(source, options);
      return;
    case "server":
      return await read(world, call, client.server(makeItem(call, 0), options));
    case "bidi":
      return await read(world, call, client.bidi(source, options));
  }
}

async function read(world: World, call: TypedRecord, stream: AsyncIterable<Item>): Promise<void> {
  const { pace, leaveAfter } = call.plan;
  for await (const { call: token, seq } of stream) {
    if (token !== call.token || seq !== call.read) {
      world.violate(`${call.name} got item ${seq} of call ${token}, not its ${call.read}`);
    }
    world.progressed();
    if (++call.read > leaveAfter) {
      call.left = true;
      return;
    }
    if (pace > 0) await world.clock.sleep(pace);
  }
  call.complete = true;
}

function* requestsNow(world: World, call: TypedRecord): Generator<Item> {
  const { requests, requestsFailAt } = call.plan;
  for (let seq = 0; seq < requests; seq++) {
    world.spin();
    if (seq === requestsFailAt) throw new Planned("its source fails");
    yield makeItem(call, seq);
  }
}

async function* requests(world: World, call: TypedRecord): AsyncGenerator<Item> {
  for (const item of requestsNow(world, call)) {
    if (call.plan.requestDelay > 0) await world.clock.sleep(call.plan.requestDelay);
    yield item;
  }
}
