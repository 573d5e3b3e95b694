import { type Server, TransportError } from "@protosocket/protosocket";
import { RpcPool } from "@protosocket/protosocket/rpc";
import {
  createClient,
  type ServerInterceptor,
  serveServices,
  serviceClient,
  type ServiceClientOptions,
} from "@protosocket/protosocket/services";
import { shown } from "../trace.ts";
import type { World } from "../world.ts";
import { makeCall, type TypedClient } from "./calls.ts";
import { wrong } from "./model.ts";
import type { ServicesPlan } from "./plan.ts";
import type { TypedRecord } from "./record.ts";
import { implementation, Planned, Typed } from "./service.ts";

const NAME = "typed server";
/** Milliseconds within which handlers have heard that their calls are over. */
const TOLD = 8000;

/** A typed service and its callers: resolves when all is over, and nothing of it is left. */
export async function services(world: World, plan: ServicesPlan): Promise<void> {
  const { clock, network, trace } = world;
  const calls: TypedRecord[] = [];
  world.hanging.push(() =>
    calls.filter(({ settled }) => settled === undefined).map(({ name, plan, begun, read }) =>
      `${name} hangs: ${plan.kind}, to ${plan.ending}, begun ${begun} times, read ${read}`
    )
  );
  const [serversBound, clientsBound] = plan.maxBufferedBytes;
  const pass: ServerInterceptor = (next) => async (call) => await next(call);

  let server: Server | undefined;
  const serve = () => {
    server = serveServices(network.listen(NAME), {
      services: [implementation(world, calls, (count) => {
        if (count <= plan.maxConcurrentRpcs) return;
        world.violate(`${count} handlers of a connection run, not ${plan.maxConcurrentRpcs}`);
      })],
      maxConcurrentRpcs: plan.maxConcurrentRpcs,
      maxBufferedBytes: serversBound,
      interceptors: plan.interceptors ? [pass] : [],
      onError: (error, context) => {
        if (error instanceof Planned) return;
        world.violate(`${context?.method.path} has told of ${shown(error)}`);
      },
      onConnectError: (error) => trace.say(NAME, "onConnectError", error),
      onConnectionError: (error) => trace.say(NAME, "onConnectionError", error),
    });
    world.allServers.push(server);
  };
  serve();

  const dial = async (signal?: AbortSignal) => {
    const duplex = await network.dial("typed client", NAME, signal);
    const client = serviceClient(duplex, { maxBufferedBytes: clientsBound });
    world.allClients.push(client);
    return client;
  };
  const pool = plan.slots === 0 ? undefined : new RpcPool({
    endpoints: [NAME],
    connect: (_, { signal }) => dial(signal),
    slots: plan.slots,
    connectTimeout: 1000,
    backoff: { initial: 20, max: 200 },
  });
  const options: ServiceClientOptions = {
    interceptors: plan.interceptors ? [(next) => async (call) => await next(call)] : [],
  };
  let dialled: { client: Awaited<ReturnType<typeof dial>>; typed: TypedClient } | undefined;
  let dialling: Promise<TypedClient> | undefined;
  const pooled = pool && createClient(Typed, pool, options);
  const connect = () => {
    if (pooled) return pooled;
    if (dialled?.client.isAlive) return dialled.typed;
    return dialling ??= dial().then((client) => {
      dialled = { client, typed: createClient(Typed, client, options) };
      return dialled.typed;
    }).finally(() => dialling = undefined);
  };

  for (const at of plan.cuts) {
    clock.at(at, () => network.between(undefined, NAME)[0]?.cut());
  }
  for (const { at, ms } of plan.freezes) clock.at(at, () => clock.freeze(ms));
  const ends: Promise<unknown>[] = [];
  let over = false;
  if (plan.restart) {
    const { at, ms } = plan.restart;
    clock.at(at, () => {
      if (over) return;
      ends.push(server!.close({ timeout: ms }));
      clock.at(50, () => over || serve());
    });
  }

  await Promise.all(plan.actors.map(async (actor) => {
    const pending: Promise<void>[] = [];
    for (const each of actor) {
      if (each.gap > 0) await clock.sleep(each.gap);
      const call = makeCall(world, calls, each, connect);
      if (plan.oneByOne) await call;
      else pending.push(call);
    }
    await Promise.all(pending);
  }));
  over = true;
  for (const call of calls) {
    const problem = wrong(plan, call);
    if (problem) world.violate(`${call.name} ${problem}, ${JSON.stringify(call.plan)}`);
  }
  for (let waited = 0; waited < TOLD && calls.some(({ running }) => running > 0); waited += 100) {
    world.progressed();
    await clock.sleep(100);
  }
  for (const { name, plan, running } of calls) {
    if (running > 0) world.violate(`The handler of ${name}, ${plan.kind}, goes on after its end`);
  }
  const client = pool ?? dialled?.client;
  if (plan.end === "abort") dialled?.client.abort();
  ends.push(
    Promise.resolve(plan.end === "drain" ? client?.drain({ timeout: 500 }) : client?.close()),
  );
  ends.push(server!.close({ timeout: 500 }));
  for (const result of await Promise.allSettled(ends)) {
    if (result.status === "rejected" && !(result.reason instanceof TransportError)) {
      world.violate(`An end of a typed service failed: ${shown(result.reason)}`);
    }
  }
  for (const { name, signal } of calls) {
    if (signal?.signal.aborted === false && signal.listeners.size > 0) {
      world.violate(`The signal of ${name} has ${signal.listeners.size} listeners left`);
    }
  }
}
