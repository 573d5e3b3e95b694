// A client and a server that do not speak the same: the call fails, and the server says why.
import { type Codec, Connection, duplexPair } from "@protosocket/protosocket";
import { json } from "@protosocket/protosocket/json";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import {
  messagePack,
  option,
  type Schema,
  string,
  struct,
  u32,
  u64,
} from "@protosocket/protosocket/messagepack";
import { RpcClient, rpcFields, type RpcId, rpcReactor } from "@protosocket/protosocket/rpc";
import { tsProto } from "@protosocket/protosocket/ts-proto";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { Request } from "../../../examples/proto/gen/echo.ts";
import { rpcError } from "../../support/rpc.ts";
import { outcome, soon } from "../../support/within.ts";

interface Plain {
  requestId: RpcId;
  code: number;
  text?: string | undefined;
}

const empty = (): Request => ({ requestId: 0n, code: 0, body: undefined, responseBehavior: 0 });
const protobuf = rpcFields({ id: "requestId", code: "code" }, empty);
const plain = rpcFields<Plain>({ id: "requestId", code: "code" });
const schema: Schema<Plain> = struct("Plain", { requestId: u64, code: u32, text: option(string) });

/** Protobuf behind four bytes. */
function behindU32(prefix: "u32be" | "u32le"): Codec<Request, Request> {
  const { encoder, decoder } = lengthDelimited({ prefix });
  return {
    encoder: { encode: (request, out) => encoder.encode(Request.encode(request).finish(), out) },
    decoder: {
      decode(bytes, offset) {
        const result = decoder.decode(bytes, offset);
        if (result.kind !== "message") return result;
        try {
          return { ...result, message: Request.decode(result.message) };
        } catch (cause) {
          return { kind: "invalid", reason: `${cause}`, cause };
        }
      },
    },
  };
}

/** How an end speaks, with its types forgotten, as those of another program would be. */
interface Tongue {
  readonly codec: () => Codec<unknown, unknown>;
  readonly message: never;
  readonly request: unknown;
  /** What the other end calls it. */
  readonly looks: RegExp;
}

function tongue<Message>(
  codec: () => Codec<Message, Message>,
  message: unknown,
  request: Message,
  looks: RegExp,
): Tongue {
  return { codec: codec as Tongue["codec"], message: message as never, request, looks };
}

const asked: Request = { ...empty(), body: { message: "hello world", nanotime: 5n } };
const text: Plain = { requestId: 0, code: 0, text: "hello world" };
const TONGUES: Record<string, Tongue> = {
  "a varint": tongue(() => tsProto(Request, Request), protobuf, asked, /length as a varint$/),
  "a u32": tongue(() => behindU32("u32be"), protobuf, asked, /big-endian u32/),
  "a u32, turned": tongue(() => behindU32("u32le"), protobuf, asked, /little-endian u32$/),
  "MessagePack": tongue(() => messagePack(schema, schema), plain, text, /MessagePack behind 0xce/),
  "JSON": tongue(() => json<Plain>(), plain, text, /looks like JSON$/),
};

/** A call of a client to a server that sends each request back; what both say. */
async function call(theirs: Tongue, ours: Tongue, messageTimeout?: number) {
  const [here, there] = duplexPair();
  const server = new Connection<unknown>(there, {
    codec: theirs.codec(),
    reactor: rpcReactor<unknown, unknown>(
      { request: theirs.message, response: theirs.message },
      (request) => request,
    ),
    ...(messageTimeout !== undefined && { messageTimeout }),
  });
  const client = new RpcClient<unknown, unknown>(here, {
    codec: ours.codec(),
    messages: { request: ours.message, response: ours.message },
  });
  const answer = await soon(outcome(client.unary(ours.request)), "the answer");
  client.abort();
  return { answer, reason: await soon(server.closed, "the server's end") };
}

/**
 * What is taken for the length of something longer, and cannot be known to be none, so that only
 * the time for it tells: "{" and a quote are a length of 123 and a field of protobuf, 0xce and
 * zeroes are lengths of 78 and 206, and what is on its way may be the rest of such a message.
 */
const WAITED_FOR: readonly (readonly [client: string, server: string])[] = [
  ["JSON", "a varint"],
  ["MessagePack", "a varint"],
  ["MessagePack", "a u32, turned"],
];

for (const [server, theirs] of Object.entries(TONGUES)) {
  for (const [client, ours] of Object.entries(TONGUES)) {
    test(`a client that speaks ${client}, a server that speaks ${server}`, async () => {
      const waits = WAITED_FOR.some(([from, to]) => from === client && to === server);
      const { answer, reason } = await call(theirs, ours, waits ? 20 : undefined);
      if (ours === theirs) return assertEquals(answer.kind, "value");
      await rpcError(Promise.resolve(answer), "connection-closed");
      assert(reason.kind === "error");
      assertMatch(reason.error.message, ours.looks);
    });
  }
}

test("a line of JSON that cannot be one is not waited for, and others are", () => {
  const decode = (text: string) => json().decoder.decode(new TextEncoder().encode(text), 0);
  for (const begun of ["{", "[", '"a', "-", "7", "t", "f", "n", " ", "\t", "\uFEFF{"]) {
    assertEquals(decode(begun).kind, "incomplete", begun);
  }
  for (const begun of ["a", "<", "\0", "\x16\x03", "'", "+1", "N"]) {
    assertEquals(decode(begun).kind, "invalid", begun);
  }
});
