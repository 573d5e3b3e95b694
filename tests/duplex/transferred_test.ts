// Reactors that transfer the memory of a message, as for a worker, over sockets.
import { assertMatch } from "@std/assert";
import { test } from "node:test";
import { Connection, serve } from "../../mod.ts";
import { lengthDelimited } from "../../src/codecs/length_delimited.ts";
import { runtime } from "../support/runtime.ts";
import { connect, listen } from "../support/tls.ts";
import { outcome, soon, turn } from "../support/within.ts";

const MESSAGE = new Uint8Array(100).fill(7);

/** A server that lets go of each message in its own way, and answers; and a client of it. */
async function pair(letGo: (message: Uint8Array) => void) {
  const server = serve(await listen({ port: 0 }), () => ({
    codec: lengthDelimited(),
    reactor: (sender) => ({
      onInboundMessage(message) {
        letGo(message);
        return sender.send(new Uint8Array([1]));
      },
    }),
  }));
  let onAnswer = () => {};
  const { port } = server.address as { port: number };
  const client = new Connection(await connect({ port }), {
    codec: lengthDelimited(),
    reactor: () => ({ onInboundMessage: () => onAnswer() }),
  });
  const call = async () => {
    const answered = new Promise<void>((resolve) => onAnswer = resolve);
    await client.sender.send(MESSAGE);
    await Promise.race([answered, client.closed]);
  };
  return { server, client, call };
}

function transfer({ buffer }: Uint8Array): void {
  structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
}

test("transferred: a reactor may transfer a message that came alone, each time", async () => {
  const { server, client, call } = await pair(transfer);
  for (let count = 0; count < 5; count++) await soon(call(), `answer ${count}`);
  await client.close();
  await server.close();
});

test("transferred: memory that is being read to is told, and the process goes on", {
  skip: runtime === "deno" ? false : "only Deno reads into memory that it has handed out",
}, async () => {
  let kept: Uint8Array | undefined;
  const { server, client, call } = await pair((message) => kept ??= message);
  await soon(call(), "an answer");
  await turn();
  transfer(kept!);
  const [served] = server.connections;
  const [end] = await Promise.all([soon(served!.closed, "the end"), outcome(call())]);
  await client.closed;
  await server.close();
  assertMatch(end.kind === "error" ? end.error.message : end.kind, /of a message was transferred/);
});
