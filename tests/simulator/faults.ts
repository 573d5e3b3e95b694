import type { FaultPlan } from "./plan.ts";
import { clientName, serverName, type World } from "./world.ts";

/** Lets the planned faults happen, each at its time, until the run ends. */
export function schedule(world: World): void {
  for (const fault of world.plan.faults) {
    world.clock.at(fault.at, () => world.ending || happen(world, fault));
  }
}

function happen(world: World, { kind, target, ms, back }: FaultPlan): void {
  const { network, clock } = world;
  const who = kind === "end-client" ? clientName(target) : serverName(target);
  world.fault(kind, kind === "freeze" ? undefined : who, kind === "kill" ? 0 : ms);
  switch (kind) {
    case "cut":
      return network.between(undefined, who)[0]?.cut();
    case "stall":
      for (const link of network.between(undefined, who)) link.stall(ms);
      return;
    case "freeze":
      return clock.freeze(ms);
    case "end-client":
      world.clients[target]?.close();
      return;
    case "close":
    case "kill": {
      const server = world.servers[target];
      if (server === undefined) return;
      world.servers[target] = undefined;
      world.ends.push(server.close({ timeout: kind === "kill" ? 0 : ms }));
      if (kind === "kill") { for (const link of network.between(undefined, who)) link.cut(); }
      if (back !== undefined) clock.at(back, () => world.ending || world.serve(target));
    }
  }
}
