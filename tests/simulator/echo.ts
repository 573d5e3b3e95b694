import { type CloseReason, Connection, serve } from "@protosocket/protosocket";
import { codec, type Message, message } from "./messages.ts";
import type { EchoPlan } from "./plan.ts";
import { shown } from "./trace.ts";
import type { World } from "./world.ts";

/**
 * A client that sends messages to a server of the core, which echoes them, and may close
 * meanwhile. Whatever the server took comes back, in order, and both ends end in order.
 */
export async function echo(world: World, plan: EchoPlan, at: number): Promise<void> {
  const { network, trace, clock } = world;
  const name = `echo ${at}`;
  const counts = { dispatched: 0, echoed: 0 };
  const reasons: CloseReason[] = [];
  const { maxPipelinedBytes } = world.plan.server;
  let closing = false;
  const server = serve(network.listen(name), () => ({
    codec: codec(),
    maxQueuedMessages: plan.maxQueuedMessages,
    ...(maxPipelinedBytes !== undefined && { maxPipelinedBytes }),
    reactor: (sender) => ({
      onInboundMessage(message: Message) {
        counts.dispatched++;
        return sender.send(message);
      },
      // It has something to send whenever there is room.
      ...(plan.chatter && {
        pullOutbound(budget: { remaining: number; send(message: Message): unknown }) {
          world.spin();
          if (!closing && budget.remaining > 0) budget.send(message(1, 0, 1000));
        },
      }),
      onClosing: () => void (closing = true),
      onClose: (reason: CloseReason) => void reasons.push(reason),
    }),
  }));
  if (plan.closeAt !== undefined) {
    clock.at(plan.closeAt, () => {
      trace.say(name, "closes, after", counts.dispatched, "messages");
      world.ends.push(server.close());
    });
  }
  let finished!: () => void;
  const allEchoed = new Promise<void>((resolve) => finished = resolve);
  let duplex;
  try {
    duplex = await network.dial(`${name}'s client`, name);
  } catch {
    // It had closed before anybody came.
    return;
  }
  const client = new Connection<Message>(duplex, {
    codec: codec(),
    reactor: () => ({
      onInboundMessage({ call, seq }) {
        // Its chatter is no progress, until it is all that is left.
        if (call === 0 || closing) world.progressed();
        if (call === 1) return;
        if (seq !== counts.echoed) {
          world.violate(`${name}: echo ${seq} came as number ${counts.echoed}`);
        }
        if (++counts.echoed === plan.messages) finished();
      },
    }),
  });
  const ended = client.closed.then((reason) => {
    reasons.push(reason);
    finished();
  });
  try {
    for (let seq = 0; seq < plan.messages; seq++) {
      await client.sender.send(message(0, seq, plan.size));
    }
  } catch (error) {
    trace.say(name, "client cannot send:", error);
  }
  await allEchoed;
  client.close();
  await ended;
  await server.close();
  const { dispatched, echoed } = counts;
  trace.say(name, "dispatched", dispatched, "echoed", echoed);
  if (echoed !== dispatched) {
    world.violate(`${name}: of ${dispatched} messages that the server took, ${echoed} came back`);
  }
  for (const reason of reasons) {
    if (reason.kind === "error") {
      world.violate(`${name}: an end that is not in order: ${shown(reason.error)}`);
    }
  }
}
