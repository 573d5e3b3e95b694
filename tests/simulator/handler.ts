// What the servers of a run do with a request: what its call has planned.
import { refused, type RpcAnswer, type RpcContext } from "@protosocket/protosocket/rpc";
import { type Message, message } from "./messages.ts";
import type { CallRecord, HandlerRecord } from "./record.ts";
import type { World } from "./world.ts";

/** Makes the handler of a server. */
export function handler(
  world: World,
  server: string,
): (request: Message, context: RpcContext) => RpcAnswer<Message> {
  return (request, context) => {
    const call = world.calls[request.call]!;
    const record: HandlerRecord = {
      server,
      began: world.clock.now,
      over: false,
      made: 0,
      waits: false,
    };
    call.handlers.push(record);
    world.trace.say(server, "begins", call.name, call.ask.answer);
    return answer(world, call, record, context);
  };
}

function answer(
  world: World,
  call: CallRecord,
  record: HandlerRecord,
  context: RpcContext,
): RpcAnswer<Message> {
  const { ask, token } = call;
  const over = () => record.over = true;
  const response = () => message(token, 0, ask.size, ask.badAt === 0);
  switch (ask.answer) {
    case "now":
      over();
      return response();
    case "later":
      return world.clock.sleep(ask.delay).then(() => (over(), response()));
    case "refuse":
      over();
      return refused;
    case "throw":
      over();
      throw new Error("This handler throws");
    case "reject":
      return world.clock.sleep(ask.delay).then(() => {
        over();
        throw new Error("This handler rejects");
      });
    case "sync":
      // A stream that nobody has begun to read has nothing to end.
      over();
      return syncItems(world, call, record);
    case "async":
      over();
      return asyncItems(world, call, record);
    case "never":
      record.waits = true;
      return new Promise((_, reject) =>
        context.signal.addEventListener("abort", () => (over(), reject(context.signal.reason)))
      );
  }
}

function* syncItems(
  world: World,
  { ask, token }: CallRecord,
  record: HandlerRecord,
): Generator<Message> {
  record.over = false;
  try {
    for (let seq = 0; seq < ask.items; seq++) {
      world.spin();
      record.made++;
      yield message(token, seq, ask.size, seq === ask.badAt);
    }
  } finally {
    record.over = true;
  }
}

async function* asyncItems(
  world: World,
  { ask, token }: CallRecord,
  record: HandlerRecord,
): AsyncGenerator<Message> {
  record.over = false;
  try {
    for (let seq = 0; seq < ask.items; seq++) {
      if (ask.delay > 0) await world.clock.sleep(ask.delay);
      world.spin();
      record.made++;
      yield message(token, seq, ask.size, seq === ask.badAt);
    }
  } finally {
    record.over = true;
  }
}
