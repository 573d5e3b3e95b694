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
async function call(theirs: Tongue, ours: Tongue) {
  const [here, there] = duplexPair();
  const server = new Connection<unknown>(there, {
    codec: theirs.codec(),
    reactor: rpcReactor<unknown, unknown>(
      { request: theirs.message, response: theirs.message },
      (request) => request,
    ),
    // What is taken for the length of something longer is waited for.
    messageTimeout: 20,
  });
  const client = new RpcClient<unknown, unknown>(here, {
    codec: ours.codec(),
    messages: { request: ours.message, response: ours.message },
  });
  const answer = await soon(outcome(client.unary(ours.request)), "the answer");
  client.abort();
  return { answer, reason: await soon(server.closed, "the server's end") };
}

for (const [server, theirs] of Object.entries(TONGUES)) {
  for (const [client, ours] of Object.entries(TONGUES)) {
    test(`a client that speaks ${client}, a server that speaks ${server}`, async () => {
      const { answer, reason } = await call(theirs, ours);
      if (ours === theirs) return assertEquals(answer.kind, "value");
      await rpcError(Promise.resolve(answer), "connection-closed");
      assert(reason.kind === "error");
      assertMatch(reason.error.message, ours.looks);
    });
  }
}
