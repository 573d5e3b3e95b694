import { EncodeBuffer } from "@protosocket/protosocket";
import { codec, HEADER, message } from "./messages.ts";
import type { CallPlan, GreedyPlan } from "./plan.ts";
import { CallRecord } from "./record.ts";
import { serverName, type World } from "./world.ts";

/** What a connection has encoded and not yet written, at most, besides the last message. */
const ENCODED = 3 * 64 * 1024;

/** A peer that sends requests, and reads no response; what a server holds for it is bounded. */
export async function greedy(world: World, { server, requests, ask }: GreedyPlan): Promise<void> {
  const { network, plan } = world;
  let duplex;
  try {
    duplex = await network.dial("greedy", serverName(server));
  } catch {
    return;
  }
  const writer = duplex.writable.getWriter();
  writer.closed.catch(() => {});
  const { encoder } = codec();
  const calls: CallRecord[] = [];
  const asking = (async () => {
    for (let id = 1; id <= requests && !world.ending; id++) {
      const call = new CallRecord(world.calls.length, { ask } as CallPlan, -1, world.clock.now);
      world.calls.push(call);
      calls.push(call);
      const buffer = new EncodeBuffer();
      encoder.encode({ ...message(call.token, 0, ask.requestSize), id }, buffer);
      await writer.write(buffer.take());
    }
  })().catch(() => {});
  await world.untilEnd();
  const { maxPipelinedBytes } = plan.server;
  const begun = calls.filter(({ handlers }) => handlers.length > 0).length;
  world.trace.say("greedy", "began", begun, "of", calls.length);
  const sent = Math.ceil((ENCODED + plan.network.capacity) / (HEADER + ask.size));
  const held = (begun - sent) * (HEADER + ask.requestSize);
  const most = (maxPipelinedBytes ?? 4 * 2 ** 20) + 2 * plan.network.capacity + HEADER +
    ask.requestSize;
  if (held > most) {
    world.violate(`A server has read ${held} bytes from a peer that does not read, not ${most}`);
  }
  writer.abort(new Error("The greedy peer has gone")).catch(() => {});
  await asking;
}
