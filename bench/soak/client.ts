// The client of the soak: many connections, each with a few calls of all kinds in flight,
// that end in all ways and are made anew.
//
//   node --expose-gc --import tsx bench/soak/client.ts PROTOBUF MESSAGEPACK CONNECTIONS SECONDS SAMPLE_SECONDS
//
// Exits with 1 if an answer was wrong, or a call failed that should not have.
import { create } from "@bufbuild/protobuf";
import process from "node:process";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { RpcClient, RpcError } from "@protosocket/protosocket/rpc";
import {
  clientCodec,
  echoMessages as packMessages,
  request as packRequest,
} from "../../examples/messagepack/echo.ts";
import { echoMessages as protoMessages } from "../../examples/support/echo_es.ts";
import {
  RequestSchema,
  ResponseBehavior,
  ResponseSchema,
} from "../../examples/proto/gen/echo_pb.ts";
import { parseAddress, sockets } from "../../examples/support/sockets.ts";
import { sampling } from "./sample.ts";

const [protobuf = "", messagePack = "", connections, seconds, sampleSeconds] = process.argv.slice(
  2,
);
const { connect } = await sockets();
const end = performance.now() + Number(seconds) * 1000;
const isOver = () => performance.now() >= end;
const random = (below: number) => Math.floor(Math.random() * below);

const counts: Record<string, number> = {};
const count = (what: string) => counts[what] = (counts[what] ?? 0) + 1;
const BIG = "x".repeat(256 * 1024);
const wrong = (message: string) => {
  count("wrong");
  console.log(`wrong: ${message}`);
};

/** The calls of one connection, whatever it speaks. */
interface Peer {
  readonly ended: Promise<unknown>;
  unary(message: string, options: { timeout?: number; signal?: AbortSignal }): Promise<string>;
  streaming(message: string): AsyncIterable<string>;
  drain(): Promise<unknown>;
  close(): Promise<unknown>;
  abort(): void;
}

async function protobufPeer(): Promise<Peer> {
  const client = new RpcClient(await connect(parseAddress(protobuf)), {
    codec: protobufEs(ResponseSchema, RequestSchema),
    messages: protoMessages,
  });
  const request = (message: string, responseBehavior: ResponseBehavior) =>
    create(RequestSchema, { body: { message }, responseBehavior });
  return {
    ended: client.closed,
    unary: async (message, options) => {
      const answer = await client.unary(request(message, ResponseBehavior.UNARY), options);
      return answer.kind.value!.message;
    },
    async *streaming(message) {
      for await (const item of client.streaming(request(message, ResponseBehavior.STREAM))) {
        yield item.kind.value!.message;
      }
    },
    drain: () => client.drain(),
    close: () => client.close(),
    abort: () => client.abort(),
  };
}

async function messagePackPeer(): Promise<Peer> {
  const client = new RpcClient(await connect(parseAddress(messagePack)), {
    codec: clientCodec(),
    messages: packMessages,
  });
  return {
    ended: client.closed,
    unary: async (message, options) => {
      const answer = await client.unary(packRequest({ message, nanotime: 0 }), options);
      return answer.kind!.value.message;
    },
    async *streaming(message) {
      const request = packRequest({ message, nanotime: 0 }, "Stream");
      for await (const item of client.streaming(request)) yield item.kind!.value.message;
    },
    drain: () => client.drain(),
    close: () => client.close(),
    abort: () => client.abort(),
  };
}

async function call(peer: Peer, canWait: boolean): Promise<void> {
  const kind = random(100);
  if (kind < 70) {
    const message = `hello ${random(1e9)}`;
    if (await peer.unary(message, {}) !== message) wrong("an answer is not the echo");
    count("unary");
  } else if (kind < 71) {
    if (await peer.unary(BIG, {}) !== BIG) wrong("a big answer is not the echo");
    count("big");
  } else if (kind < 85) {
    let items = "";
    for await (const item of peer.streaming("0123456789")) items += item;
    if (items !== "0123456789") wrong(`a stream brought ${items}`);
    count("streams");
  } else if (kind < 92 || !canWait) {
    for await (const _ of peer.streaming("0123456789")) break;
    count("streams left");
  } else if (kind < 96) {
    const code = await failure(peer.unary("never", { timeout: 1 + random(20) }));
    if (code !== "deadline-exceeded") throw new RpcError("connection-closed", String(code));
    count("time-outs");
  } else {
    const controller = new AbortController();
    const failed = failure(peer.unary("never", { signal: controller.signal }));
    setTimeout(() => controller.abort(), random(5));
    await failed;
    count("cancels");
  }
}

async function failure(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error instanceof RpcError ? error.code : error;
  }
  return wrong("the message never was answered");
}

/** One place for a connection: lives one after another. */
async function place(index: number): Promise<void> {
  while (!isOver()) {
    const canWait = index % 2 === 1;
    const peer = await (canWait ? messagePackPeer() : protobufPeer());
    count("connections");
    let left = 100 + random(900);
    let ending = false;
    const worker = async () => {
      while (left-- > 0 && !isOver()) {
        try {
          await call(peer, canWait);
        } catch (error) {
          const closed = error instanceof RpcError && error.code === "connection-closed";
          if (!closed || !ending) wrong(String(error));
          return count("failed with their connection");
        }
      }
      if (ending) return;
      ending = true;
      const how = random(3);
      if (how === 0) await peer.drain();
      else if (how === 1) await peer.close();
      else peer.abort();
    };
    await Promise.all([worker(), worker(), worker()]);
    await peer.ended;
  }
}

const stop = sampling(Number(sampleSeconds), () => ({ ...counts }));
await Promise.all(Array.from({ length: Number(connections) }, (_, index) => place(index)));
stop();
console.log(`done ${JSON.stringify(counts)}`);
process.exit(counts.wrong ? 1 : 0);
