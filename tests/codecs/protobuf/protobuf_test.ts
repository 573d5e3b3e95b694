import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { test } from "node:test";
import { ConnectionError, EncoderStream } from "@protosocket/protosocket";
import { type MessageType, protobuf } from "@protosocket/protosocket/protobuf";
import { pieces } from "../../support/bytes.ts";
import { decodeAll, encodeAll, fromHex, joined, toHex } from "../../support/codec.ts";

interface Note {
  text: string;
}

/** In the shape of what ts-proto generates. */
const Note: MessageType<Note> = {
  $type: "tests.Note",
  encode(message: Note, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.text === "bad") throw new TypeError("no such text");
    if (message.text !== "") writer.uint32(10).string(message.text);
    return writer;
  },
  decode(input: Uint8Array): Note {
    const reader = new BinaryReader(input);
    const message: Note = { text: "" };
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 10) message.text = reader.string();
      else reader.skip(tag & 7);
    }
    return message;
  },
};

test("messages of every length around a longer length come whole, with their neighbours", async () => {
  const codec = protobuf(Note, Note);
  // A body is its text and two or more bytes: these pass 127 and 16383 bytes, where the
  // length takes a byte more than had been left for it.
  const lengths = [0, 1];
  for (const around of [127, 16383]) {
    for (let length = around - 8; length < around + 8; length++) lengths.push(length);
  }
  const messages = lengths.map((length) => ({ text: "x".repeat(length) }));
  const bytes = encodeAll(codec, ...messages);
  for (const size of [bytes.length, 1000]) {
    assertEquals(await decodeAll(codec, pieces(bytes, size)), { messages });
  }
  const each = messages.map((message) => encodeAll(codec, message));
  assertEquals(toHex(joined(...each)), toHex(bytes));
});

test("the length counts bytes, not characters", () => {
  assertEquals(toHex(encodeAll(protobuf(Note, Note), { text: "é" })), "04 0a 02 c3 a9");
});

test("requests and answers may be of different types", async () => {
  interface Count {
    count: number;
  }
  const Count: MessageType<Count> = {
    encode: ({ count }) => new BinaryWriter().uint32(8).uint32(count),
    decode: (bytes) => ({ count: new BinaryReader(bytes.subarray(1)).uint32() }),
  };
  const client = protobuf(Count, Note);
  const server = protobuf(Note, Count);
  const asked = await decodeAll(server, [encodeAll(client, { text: "how many?" })]);
  assertEquals(asked.messages, [{ text: "how many?" }]);
  const answered = await decodeAll(client, [encodeAll(server, { count: 300 })]);
  assertEquals(answered.messages, [{ count: 300 }]);
});

/** A class with static functions, as protobufjs generates it. */
class StaticNote {
  static encode = Note.encode;
  static decode = Note.decode;
}

const NAMES: [what: string, type: MessageType<Note>, name: string][] = [
  ["$type", Note, "tests.Note"],
  ["the class's name", StaticNote, "StaticNote"],
  ["what it is", { encode: Note.encode, decode: Note.decode }, "body"],
];

for (const [what, type, name] of NAMES) {
  test(`the error for a body that cannot be decoded names it by ${what}`, async () => {
    const codec = protobuf(type, type);
    const { messages, error } = await decodeAll(codec, [fromHex("00  03 0a 09 41  00")]);
    assertEquals(messages, [{ text: "" }]);
    assertInstanceOf(error, ConnectionError);
    assertEquals(error.code, "invalid-message");
    assertStringIncludes(error.message, `${name} of 3 bytes`);
    assertInstanceOf(error.cause, Error);
    assertStringIncludes(error.message, error.cause.message);
  });
}

test("a message that cannot be encoded leaves nothing behind", async () => {
  const codec = protobuf(Note, Note);
  const left: unknown[] = [];
  const stream = new EncoderStream(codec.encoder, {
    onEncodeError: (error, message) => left.push(error, message),
  });
  const writer = stream.writable.getWriter();
  const written = writer.write([{ text: "a" }, { text: "bad" }, { text: "b" }]);
  const { value } = await stream.readable.getReader().read();
  await written;
  assertEquals(await decodeAll(codec, [value!]), { messages: [{ text: "a" }, { text: "b" }] });
  assertInstanceOf(left[0], TypeError);
  assertEquals(left[1], { text: "bad" });
});

test("two codecs in use at the same time do not affect each other", () => {
  const [one, other] = [protobuf(Note, Note), protobuf(Note, Note)];
  const bytes = encodeAll(one, { text: "one" });
  const first = one.decoder.decode(bytes, 0);
  other.decoder.decode(encodeAll(other, { text: "other" }), 0);
  assertEquals(first.kind === "message" && first.message, { text: "one" });
});
