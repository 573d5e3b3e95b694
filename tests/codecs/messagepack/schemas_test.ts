import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { test } from "node:test";
import { Connection, ConnectionError, duplexPair } from "@protosocket/protosocket";
import {
  array,
  bool,
  bytes,
  f64,
  i8,
  type Infer,
  map,
  messagePack,
  option,
  type Schema,
  string,
  struct,
  u32,
  u64,
  u8,
  unit,
  variants,
} from "@protosocket/protosocket/messagepack";
import { refused, RpcClient, rpcReactor } from "@protosocket/protosocket/rpc";
import {
  clientCodec,
  echoMessages,
  request,
  type Response,
  response,
  serverCodec,
} from "../../../examples/messagepack/echo.ts";
import { pieces } from "../../support/bytes.ts";
import { decodeAll, decodeOne, encodeAll, fromHex, joined, toHex } from "../../support/codec.ts";
import { type Random, withSeeds } from "../../support/random.ts";
import { outcome, soon } from "../../support/within.ts";

const job = struct("Job", {
  id: u64,
  title: option(string),
  parts: array(struct("Part", { name: string, count: u8 })),
  owners: map(string, u32),
  state: variants("State", { Waiting: unit, Failed: struct("Failure", { reason: string }) }),
});
type Job = Infer<typeof job>;

const JOB: Job = {
  id: 300,
  title: "Grüße",
  parts: [{ name: "a", count: 1 }, { name: "b", count: 2 }],
  owners: new Map([["x", 1], ["y", 70_000]]),
  state: { case: "Failed", value: { reason: "no paper" } },
};

/** A body behind its length. */
function framed(hex: string): Uint8Array {
  const body = fromHex(hex);
  return joined([0xce, 0, 0, body.length >> 8, body.length & 255], body);
}

/** Why a body is not of a schema. */
function whyNot(schema: Schema<unknown>, hex: string): string {
  const result = messagePack(schema, schema).decoder.decode(framed(hex), 0);
  if (result.kind !== "invalid") throw new Error(`It is ${result.kind}`);
  assertInstanceOf(result.cause, TypeError);
  return result.reason;
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

test("MessagePack: types are those of the schema", () => {
  const same: Equal<Job, {
    id: number | bigint;
    title?: string | undefined;
    parts: { name: string; count: number }[];
    owners: Map<string, number>;
    state: "Waiting" | { readonly case: "Failed"; readonly value: { reason: string } };
  }> = true;
  assert(same);
});

for (const size of [1, 2, 3, 5, 6, 50, 1000]) {
  test(`MessagePack: messages survive arrival in pieces of ${size} bytes`, async () => {
    const codec = messagePack(job, job);
    const jobs = [JOB, { ...JOB, title: undefined, state: "Waiting" as const }, JOB];
    const chunks = pieces(encodeAll(codec, ...jobs), size);
    assertEquals(await decodeAll(codec, chunks), { messages: jobs });
  });
}

test("MessagePack: an option may be left out", () => {
  const codec = messagePack(job, job);
  const { title: _, ...rest } = JOB;
  assertEquals(decodeOne(codec, encodeAll(codec, rest)), { ...JOB, title: undefined });
});

test("MessagePack: a message says how much of it is missing", () => {
  const { decoder } = messagePack(u64, u64);
  const bytes = joined([9, 9], framed("cf 00 00 00 01 00 00 00 00"));
  for (const there of [1, 4]) {
    const result = decoder.decode(bytes.subarray(0, 2 + there), 2);
    assertEquals(result, { kind: "incomplete", bytesNeeded: 5 });
  }
  for (const there of [5, 13]) {
    const result = decoder.decode(bytes.subarray(0, 2 + there), 2);
    assertEquals(result, { kind: "incomplete", bytesNeeded: 14 });
  }
});

test("MessagePack: a message that does not begin with 0xce is invalid at its first byte", async () => {
  const chunks = [joined(framed("07"), [0xcd])];
  const { messages, error } = await decodeAll(messagePack(u64, u64), chunks);
  assertEquals(messages, [7]);
  assertInstanceOf(error, ConnectionError);
  assertEquals(error.code, "invalid-message");
  assertEquals(error.message, "Invalid message: it begins with 0xcd, not 0xce");
});

test("MessagePack: a message over the limit is refused as soon as it is announced", async () => {
  for (const announced of ["ce 00 00 03 e4", "ce ff ff ff ff"]) {
    const { error } = await decodeAll(messagePack(u64, u64), [fromHex(announced)], 1000);
    assertInstanceOf(error, ConnectionError);
    assertEquals(error.code, "message-too-large");
  }
});

test("MessagePack: a body longer than its value is invalid", () => {
  assertEquals(
    whyNot(struct("One", { a: u64 }), "91 01 c0 c0"),
    "a body of 4 bytes does not parse: One: ends with byte 2, but the body is announced with 4",
  );
});

test("MessagePack: a body shorter than its value is invalid, though the rest is there", () => {
  const one = struct("One", { a: string, b: string });
  const whole = fromHex("92 a1 78 a5 68 65 6c 6c 6f");
  for (let length = 0; length < whole.length; length++) {
    const frame = joined([0xce, 0, 0, 0, length], whole, framed("92 a0 a0"));
    const result = messagePack(one, one).decoder.decode(frame, 0);
    assert(result.kind === "invalid", `announced with ${length}`);
    const { reason } = result;
    const sizes = /goes on to byte (\d+) at least, but the body is announced with (\d+)$/.exec(
      reason,
    );
    const values = /announces (\d+) values in (\d+) bytes$/.exec(reason);
    assert(sizes ?? values, reason);
    if (sizes) assertEquals([Number(sizes[1]) > length, Number(sizes[2])], [true, length], reason);
  }
  const last = messagePack(one, one).decoder.decode(joined([0xce, 0, 0, 0, 8], whole), 0);
  assertEquals(
    last.kind === "invalid" && last.reason,
    "a body of 8 bytes does not parse: One.b: goes on to byte 9 at least, but the body is announced with 8",
  );
});

const echo = struct("EchoRequest", { message: string, nanotime: u64 });
const call = struct("Request", { requestId: u64, body: option(echo) });
const kinds = variants("Kind", { None: unit, Echo: echo });

/** What is wrong with a body, and where. */
const WRONG: [schema: Schema<unknown>, hex: string, why: string][] = [
  [call, "92 01 92 c0 01", "Request.body.message: expected a string, got nil"],
  [call, "92 01 92 a1 78 ff", "Request.body.nanotime: expected u64, got -1"],
  [call, "92 01 92 a1 78 cb 40 00 00 00 00 00 00 00", "nanotime: expected u64, got a float"],
  [call, "92 c0 c0", "Request.requestId: expected u64, got nil"],
  [call, "92 01 c3", "Request.body: expected an array of 2 (EchoRequest), got true"],
  [call, "92 01 91 a0", "Request.body: expected an array of 2 (EchoRequest), got an array of 1"],
  [call, "92 01 93 a0 01 02", "expected an array of 2 (EchoRequest), got an array of 3"],
  [call, "91 01", "Request: expected an array of 2 (Request), got an array of 1"],
  [call, "c0", "Request: expected an array of 2 (Request), got nil"],
  [call, "82 01 c0 02 c0", "Request: expected an array of 2 (Request), got a map of 2"],
  [call, "92 01 92 a2 c3 28 00", "Request.body.message: the text is not UTF-8"],
  [array(u8), "92 01 cd 01 00", "[1]: expected u8, got 256"],
  [array(u8), "a1 78", "expected an array, got a string"],
  [array(u8), "93 01 02", "announces 3 values in 2 bytes"],
  [array(u8), "dd ff ff ff ff", "announces 4294967295 values in 0 bytes"],
  [array(i8), "91 cc 80", "[0]: expected i8, got 128"],
  [array(u32), "91 cf 00 00 00 01 00 00 00 00", "[0]: expected u32, got 4294967296"],
  [array(u64), "91 d3 80 00 00 00 00 00 00 00", "[0]: expected u64, got -9223372036854775808"],
  [map(string, u8), "82 a1 78 01 a1 79 c2", "[entry 1]: expected u8, got false"],
  [map(string, u8), "90", "expected a map, got an array of 0"],
  [map(string, u8), "82 a1 78 01", "announces 2 values in 3 bytes"],
  [bool, "01", "expected a boolean, got 1"],
  [f64, "a1 78", "expected f64, got a string"],
  [bytes, "91 01", "expected bytes, got an array of 1"],
  [string, "c4 01 78", "expected a string, got bytes"],
  [string, "d4 01 00", "expected a string, got an extension"],
  [string, "c1", "expected a string, got 0xc1, which nothing begins with"],
  [kinds, "a3 4e 6f 70", 'expected Kind ("None" or { "Echo": … }), got "Nop"'],
  [kinds, "a4 45 63 68 6f", 'expected Kind ("None" or { "Echo": … }), got "Echo"'],
  [kinds, "81 a4 4e 6f 6e 65 01", 'got { "None": … }'],
  [kinds, "81 a4 45 63 68 6f c0", "Kind.Echo: expected an array of 2 (EchoRequest), got nil"],
  [kinds, "82 a1 78 01 a1 79 01", 'expected Kind ("None" or { "Echo": … }), got a map of 2'],
  [kinds, "81 01 01", "expected the name of a variant, got 1"],
  [kinds, "c0", 'expected Kind ("None" or { "Echo": … }), got nil'],
];
for (const [schema, hex, why] of WRONG) {
  test(`MessagePack: ${hex} is invalid: ${why}`, () => {
    const reason = whyNot(schema, hex);
    assert(reason.endsWith(why), reason);
  });
}

test("MessagePack: a peer's long name is shortened in the reason", () => {
  const reason = whyNot(kinds, `d9 ff ${"78".repeat(255)}`);
  assert(reason.length < 250, reason);
});

test("MessagePack: a message that does not match its schema is not encoded, and the error says where", () => {
  const wrong: [Schema<unknown>, unknown, string][] = [
    [
      call,
      { requestId: 1, body: { message: 5, nanotime: 1 } },
      "Request.body.message: expected a string, got 5",
    ],
    [call, { requestId: 1, body: null }, "Request.body: expected EchoRequest, got null"],
    [
      call,
      { requestId: 1, body: { message: "" } },
      "Request.body.nanotime: expected u64 (a bigint beyond 2^53 - 1), got undefined",
    ],
    [call, undefined, "Request: expected Request, got undefined"],
    [array(u8), [1, 256], "[1]: expected u8, got 256"],
    [array(u8), [-1], "[0]: expected u8, got -1"],
    [array(u8), [0.5], "[0]: expected u8, got 0.5"],
    [array(u8), [NaN], "[0]: expected u8, got NaN"],
    [array(u8), [1n], "[0]: expected u8, got 1"],
    [array(u8), { length: 0 }, "expected an array, got an object"],
    [u64, -1, "expected u64 (a bigint beyond 2^53 - 1), got -1"],
    [u64, -1n, "got -1"],
    [u64, 2 ** 53, "got 9007199254740992"],
    [u64, 2n ** 64n, "got 18446744073709551616"],
    [u64, "1", "got a string"],
    [bool, 0, "expected a boolean, got 0"],
    [f64, 1n, "expected f64, got 1"],
    [bytes, [1], "expected a Uint8Array, got an array of 1"],
    [map(string, u8), { a: 1 }, "expected a Map, got an object"],
    [map(string, u8), new Map([["a", 1], ["b", 256]]), "[entry 1]: expected u8, got 256"],
    [kinds, "Nop", 'got "Nop"'],
    [kinds, { case: "None", value: 1 }, "got an object"],
    [kinds, { case: "constructor", value: 1 }, "got an object"],
    [kinds, null, "got null"],
    [kinds, { case: "Echo", value: 1 }, "Kind.Echo: expected EchoRequest, got 1"],
  ];
  for (const [schema, value, why] of wrong) {
    const codec = messagePack(schema, schema);
    const error = assertThrows(() => encodeAll(codec, value), TypeError, "Cannot encode ");
    assert(error.message.endsWith(why), error.message);
  }
});

test("MessagePack: names that every object has do no harm", () => {
  // A map's keys and a variant's name come from the other end.
  const codec = messagePack(map(string, string), map(string, string));
  const entries = new Map([["__proto__", "a"], ["constructor", "b"]]);
  assertEquals(decodeOne(codec, encodeAll(codec, entries)), entries);
  assert(whyNot(kinds, "81 a9 5f 5f 70 72 6f 74 6f 5f 5f c0").endsWith('{ "__proto__": … }'));
  assert(whyNot(kinds, "ab 63 6f 6e 73 74 72 75 63 74 6f 72").endsWith('"constructor"'));
  // A field's name is the program's own, and is not on the wire.
  for (const name of ["__proto__", "constructor", "toString", "0"]) {
    assertThrows(() => struct("S", { [name]: u8 }), TypeError, `called ${name} in S`);
  }
  assertEquals(({} as Record<string, unknown>)["a"], undefined);
});

test("MessagePack: bytes that were received are a view of what arrived", () => {
  const frame = framed("c4 02 01 02");
  const message = decodeOne(messagePack(bytes, bytes), frame);
  assertEquals([message.buffer === frame.buffer, toHex(message)], [true, "01 02"]);
});

test("MessagePack: a custom schema can be made from others", () => {
  const url: Schema<URL> = {
    name: "a URL",
    write: (value, out) => string.write(value.href, out),
    read: (input) => new URL(string.read(input)),
  };
  const link = struct("Link", { url });
  const codec = messagePack(link, link);
  const bytes = encodeAll(codec, { url: new URL("https://example.com/a") });
  assertEquals(decodeOne(codec, bytes).url.pathname, "/a");
  assert(whyNot(link, "91 a1 78").includes("Link.url: "));
});

/** A valid message with some bytes of its body changed, cut out or put in. */
function mutated(random: Random): Uint8Array {
  const body = [...encodeAll(messagePack(job, job), JOB).subarray(5)];
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const inserted = random.below(3) < 2 ? [random.below(256)] : [];
    body.splice(random.below(body.length), random.below(2), ...inserted);
  }
  return joined([0xce, 0, 0, 0, body.length], Uint8Array.from(body));
}

test("MessagePack: any random body is a message or invalid, and never crashes", () =>
  withSeeds(2000, (random) => {
    const codec = messagePack(job, job);
    const bytes = mutated(random);
    const result = codec.decoder.decode(bytes, 0);
    if (result.kind === "message") {
      assertEquals(result.bytesUsed, bytes.length);
      const again = encodeAll(codec, result.message);
      assertEquals(decodeOne(codec, again), result.message);
    } else {
      assertEquals(result.kind, "invalid");
    }
    return Promise.resolve();
  }));

test("MessagePack: the example's rpcs, in memory", async () => {
  const [here, there] = duplexPair();
  const server = new Connection(there, {
    codec: serverCodec(),
    reactor: rpcReactor(echoMessages, ({ body, responseBehavior }) => {
      if (!body) return refused;
      if (responseBehavior === "Unary") return response({ case: "Echo", value: body });
      return items(body.message);
    }),
  });
  async function* items(message: string): AsyncGenerator<Response> {
    for (let sequence = 0; sequence < message.length; sequence++) {
      const value = { message: message[sequence]!, nanotime: 0, sequence };
      yield response({ case: "Stream", value });
    }
  }
  const client = new RpcClient(here, { codec: clientCodec(), messages: echoMessages });
  const body = { message: "hi", nanotime: 2n ** 64n - 1n };
  assertEquals((await client.unary(request(body))).kind, { case: "Echo", value: body });
  const streamed: Response["kind"][] = [];
  for await (const { kind } of client.streaming(request(body, "Stream"))) streamed.push(kind);
  assertEquals(streamed, [
    { case: "Stream", value: { message: "h", nanotime: 0, sequence: 0 } },
    { case: "Stream", value: { message: "i", nanotime: 0, sequence: 1 } },
  ]);
  const bare = client.unary({ requestId: 0, code: 0, responseBehavior: "Unary" });
  assertEquals((await soon(outcome(bare), "the refusal")).kind, "error");
  await client.close();
  await soon(server.closed, "the server's end");
});
