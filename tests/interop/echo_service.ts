// The echo service of the Rust program in this folder, for the Rust client: messages
// with a special prefix make it misbehave on purpose.
import { create } from "@bufbuild/protobuf";
import type { SocketDuplex } from "@protosocket/protosocket";
import { refused, type RpcContext, type RpcHandler } from "@protosocket/protosocket/rpc";
import {
  type EchoRequest,
  EchoResponseSchema,
  EchoStreamSchema,
  type Request,
  type Response,
  ResponseBehavior,
  ResponseSchema,
} from "../../examples/proto/gen/echo_pb.ts";

/** Hears of the ids of rpcs whose signal has fired. */
export type OnCancelled = (id: number | bigint) => void;

export function echoService(
  onCancelled: OnCancelled,
): (duplex: SocketDuplex) => RpcHandler<Request, Response> {
  return () => ({ body, responseBehavior }, context) => {
    if (!body || body.message.startsWith("refuse")) return refused;
    if (responseBehavior === ResponseBehavior.STREAM) return stream(body, context, onCancelled);
    if (body.message.startsWith("never")) return never(context, onCancelled);
    const delay = /^delay:(\d+):/.exec(body.message);
    return delay ? later(Number(delay[1]), body) : echo(body);
  };
}

function echo({ message, nanotime }: EchoRequest): Response {
  const value = create(EchoResponseSchema, { message, nanotime });
  return create(ResponseSchema, { kind: { case: "echo", value } });
}

function item(message: string, nanotime: bigint, sequence: number): Response {
  const value = create(EchoStreamSchema, { message, nanotime, sequence: BigInt(sequence) });
  return create(ResponseSchema, { kind: { case: "stream", value } });
}

async function later(milliseconds: number, body: EchoRequest): Promise<Response> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return echo(body);
}

function never({ id, signal }: RpcContext, onCancelled: OnCancelled): Promise<Response> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => {
      onCancelled(id);
      reject(signal.reason);
    });
  });
}

async function* stream(
  { message, nanotime }: EchoRequest,
  { id }: RpcContext,
  onCancelled: OnCancelled,
): AsyncGenerator<Response> {
  if (message.startsWith("endless")) {
    try {
      for (let sequence = 0;; sequence++) yield item("x", nanotime, sequence);
    } finally {
      onCancelled(id);
    }
  }
  const exit = /^exit-after:(\d+)/.exec(message);
  if (exit) {
    for (let sequence = 0; sequence < Number(exit[1]); sequence++) yield item("x", nanotime, sequence);
    // Time for the items to leave.
    await new Promise((resolve) => setTimeout(resolve, 20));
    throw new GoAway();
  }
  let sequence = 0;
  for (const byte of new TextEncoder().encode(message)) {
    yield item(String.fromCharCode(byte), nanotime, sequence++);
  }
}

/** Tells the server to break off the connection. */
export class GoAway extends Error {}
