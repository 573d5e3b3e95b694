// A connection that is idle holds no message, however large its last ones were.
import { assert } from "@std/assert";
import { test } from "node:test";
import { type Codec, Connection, duplexPair } from "@protosocket/protosocket";
import { json } from "@protosocket/protosocket/json";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { RpcClient, type RpcHandler, rpcReactor } from "@protosocket/protosocket/rpc";
import { Retained } from "../support/retained.ts";
import { body, jsonCodec, type Message, messages } from "../support/rpc.ts";
import { deferred, soon } from "../support/within.ts";

const CONNECTIONS = 20;
/** What a collector may take for a reference that is none. */
const ALLOWED = 4;

/** Sends a message over a connection of its own; `seen` is shown the message at both ends. */
async function send<M extends object>(codec: () => Codec<M>, make: () => M, seen: Retained) {
  const [here, there] = duplexPair();
  const came = deferred();
  const server = new Connection(there, {
    codec: codec(),
    reactor: () => ({
      onInboundMessage(message) {
        seen.watch(message);
        came.resolve();
      },
    }),
  });
  const client = new Connection(here, {
    codec: codec(),
    reactor: () => ({ onInboundMessage() {} }),
  });
  const message = make();
  seen.watch(message);
  client.sender.trySend(message);
  await soon(came.promise, "the message");
  return [server, client];
}

/** Asks a server over a connection of its own; `seen` is shown all requests and answers. */
async function ask(handler: RpcHandler<Message, Message>, streams: boolean, seen: Retained) {
  const codec = (): Codec<Message> => {
    const { decoder, encoder } = jsonCodec();
    return {
      decoder: {
        decode(bytes, offset) {
          const result = decoder.decode(bytes, offset);
          if (result.kind === "message") seen.watch(result.message);
          return result;
        },
      },
      encoder: {
        encode(message, out) {
          seen.watch(message);
          encoder.encode(message, out);
        },
      },
    };
  };
  const [here, there] = duplexPair();
  const server = new Connection(there, { codec: codec(), reactor: rpcReactor(messages, handler) });
  const client = new RpcClient<Message, Message>(here, { codec: codec(), messages });
  if (streams) {
    const answers = client.streaming(body("a"));
    await soon(answers.next(), "an answer");
    await soon(answers.return(), "the end");
  } else {
    await soon(client.unary(body("a")), "the answer");
  }
  return [server, client];
}

/** Does something on many connections; fails if they keep what `seen` was shown. */
async function keepsNothing(
  run: (seen: Retained) => Promise<{ abort(): void }[]>,
): Promise<void> {
  const seen = new Retained();
  const open = [];
  for (let i = 0; i < CONNECTIONS; i++) open.push(...await run(seen));
  const left = await seen.left(ALLOWED);
  for (const connection of open) connection.abort();
  assert(left <= ALLOWED, `${left} of ${seen.seen} messages are held by idle connections`);
}

for (const prefix of ["varint", "u32be"] as const) {
  for (const size of [1, 100_000]) {
    test(`an idle connection keeps no message: ${prefix}, ${size} bytes`, () =>
      keepsNothing((seen) =>
        send(() => lengthDelimited({ prefix }), () => new Uint8Array(size), seen)
      ));
  }
}

test("an idle connection keeps no message: json", () =>
  keepsNothing((seen) => send(() => json<{ a: number }>(), () => ({ a: 1 }), seen)));

const HANDLERS: Readonly<Record<string, RpcHandler<Message, Message>>> = {
  "a value": () => body("b"),
  "a promise": () => Promise.resolve(body("b")),
  "a stream": async function* () {
    yield body("b");
  },
  "an iterator": function* () {
    yield body("b");
  },
};

for (const [kind, handler] of Object.entries(HANDLERS)) {
  test(`an idle rpc connection keeps no message: answers by ${kind}`, () =>
    keepsNothing((seen) => ask(handler, kind === "a stream" || kind === "an iterator", seen)));
}
