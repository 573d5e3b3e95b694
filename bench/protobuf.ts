// What the codecs of ./ts-proto and ./protobuf-es cost beside what these libraries do by
// themselves, and beside code written by hand for these two messages, with plain numbers,
// text of one byte a character, and nothing checked: the least that it could cost.
//
//   deno run -A bench/protobuf.ts      bun bench/protobuf.ts      npx tsx bench/protobuf.ts
//
// Encodes and decodes echo requests and answers in batches of 64, as over a socket, and
// prints nanoseconds a message, the best of the rounds, in turns.
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Codec, EncodeBuffer } from "@protosocket/protosocket";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { protobuf } from "@protosocket/protosocket/protobuf";
import { tsProto } from "@protosocket/protosocket/ts-proto";
import { Request, Response } from "../examples/proto/gen/echo.ts";
import { RequestSchema, ResponseSchema } from "../examples/proto/gen/echo_pb.ts";
import { delimited } from "../src/codecs/delimited.ts";
import { compare, type Way } from "./in_turns.ts";

const BATCH = 64;
const ROUNDS = 1000;

function library<Desc extends DescMessage>(schema: Desc): Codec<MessageShape<Desc>> {
  return delimited({
    encode: (message, out) => out.write(toBinary(schema, message)),
    decode: (bytes, start, end) => fromBinary(schema, bytes.subarray(start, end)),
  });
}

interface Plain {
  id: number;
  code: number;
  body: { text: string; time: number };
}

/** Both messages have these fields, and the same numbers for them. */
function byHand(): Codec<Plain> {
  let at = 0;
  function put(bytes: Uint8Array, value: number) {
    for (; value > 127; value >>>= 7) bytes[at++] = value | 128;
    bytes[at++] = value;
  }
  function get(bytes: Uint8Array): number {
    let value = 0;
    let byte = 128;
    for (let shift = 0; byte > 127; shift += 7) {
      byte = bytes[at++]!;
      value |= (byte & 127) << shift;
    }
    return value;
  }
  return delimited<Plain, Plain>({
    encode({ id, code, body: { text, time } }, out) {
      at = out.reserve(40 + text.length);
      const { bytes } = out;
      bytes[at++] = 8;
      put(bytes, id);
      if (code !== 0) {
        bytes[at++] = 16;
        put(bytes, code);
      }
      bytes[at++] = 26;
      const start = ++at;
      bytes[at++] = 10;
      bytes[at++] = text.length;
      for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
      bytes[at++] = 16;
      put(bytes, time);
      bytes[start - 1] = at - start;
      out.offset = at;
    },
    decode(bytes, start, end) {
      let [id, code, time, text] = [0, 0, 0, ""];
      at = start;
      while (at < end) {
        const tag = bytes[at++];
        if (tag === 8) id = get(bytes);
        else if (tag === 16) code = get(bytes);
        else {
          const last = get(bytes) + at;
          while (at < last) {
            if (bytes[at++] === 16) {
              time = get(bytes);
              continue;
            }
            const length = get(bytes);
            text = "";
            for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[at++]!);
          }
        }
      }
      return { id, code, body: { text, time } };
    },
  });
}

const texts = Array.from({ length: BATCH }, (_, i) => `${123456 + i}`);
const requests = texts.map((message, i) =>
  create(RequestSchema, {
    requestId: BigInt(1e6 + i),
    body: { message, nanotime: BigInt(message) },
  })
);
const answers = texts.map((message, i) =>
  create(ResponseSchema, {
    requestId: BigInt(1e6 + i),
    kind: { case: "echo", value: { message, nanotime: BigInt(message) } },
  })
);
const tsRequests = requests.map(({ requestId, body }): Request => ({
  requestId,
  code: 0,
  body: { message: body!.message, nanotime: body!.nanotime },
  responseBehavior: 0,
}));
const tsAnswers = tsRequests.map(({ requestId, body }): Response => ({
  requestId,
  code: 0,
  kind: { $case: "echo", value: body! },
}));
const plain = texts.map((text, i): Plain => ({
  id: 1e6 + i,
  code: 0,
  body: { text, time: Number(text) },
}));

let sink: unknown;

function way<Message>(name: string, codec: Codec<Message>, messages: Message[]): Way {
  const out = new EncodeBuffer();
  const batch = () => {
    for (const message of messages) codec.encoder.encode(message, out);
    return out.take();
  };
  const sent = batch().slice();
  return {
    name,
    encode: () => out.release(batch()),
    decode() {
      for (let at = 0; at < sent.length;) {
        const result = codec.decoder.decode(sent, at);
        if (result.kind !== "message") throw new Error(result.kind);
        sink = result.message;
        at += result.bytesUsed;
      }
    },
  };
}

const ways = [
  way("request, toBinary", library(RequestSchema), requests),
  way("request, protobufEs", protobufEs(RequestSchema, RequestSchema), requests),
  way("request, ts-proto alone", protobuf(Request, Request), tsRequests),
  way("request, tsProto", tsProto(Request, Request), tsRequests),
  way("answer, toBinary", library(ResponseSchema), answers),
  way("answer, protobufEs", protobufEs(ResponseSchema, ResponseSchema), answers),
  way("answer, ts-proto alone", protobuf(Response, Response), tsAnswers),
  way("answer, tsProto", tsProto(Response, Response), tsAnswers),
  way("either, by hand", byHand(), plain),
];
compare(ways, BATCH, ROUNDS);
if (sink === undefined) throw new Error("Nothing was decoded");
