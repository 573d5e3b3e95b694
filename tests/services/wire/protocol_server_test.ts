// A server on the wire, with a client that was written from the protocol's page.
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { assert, assertEquals } from "@std/assert";
import { ReportSchema, ScriptSchema } from "../../support/proto/gen/conformance_pb.ts";
import type { RequestSchema, Response } from "../../support/proto/gen/services_pb.ts";
import { overSockets, type ScriptInit } from "../conformance_ends.ts";
import type { Notes } from "../conformance_service.ts";
import {
  CANCEL,
  END,
  HALF_CLOSE,
  ITEM,
  NORMAL,
  STREAMS,
  type WireClient,
  wireClient,
} from "./peer.ts";

type Init = MessageInitShape<typeof RequestSchema>;

/** Registers a test with a connection of its own. */
function serverTest(name: string, run: (client: WireClient, notes: Notes) => Promise<void>): void {
  overSockets(`server on the wire: ${name}`, async ({ port, notes }) => {
    await using client = await wireClient(port);
    await run(client, notes);
  });
}

const method = (name: string) => `protosocket.tests.v1.Conformance/${name}`;
const payload = (script: ScriptInit) => toBinary(ScriptSchema, create(ScriptSchema, script));

function request(id: bigint, name: string, script: ScriptInit = {}, more: Init = {}): Init {
  return { id, method: method(name), payload: payload(script), ...more };
}

function uploading(id: bigint, name: string): Init {
  return { id, method: method(name), stream: true };
}

function item(id: bigint, script: ScriptInit = {}): Init {
  return { id: ITEM + id, code: END, payload: payload(script) };
}

const halfClose = (id: bigint): Init => ({ id: HALF_CLOSE + id, code: END });

function of(id: bigint): (response: Response) => boolean {
  return (response) => response.id === id;
}

/** Takes an answer with that id, and checks whether it is a failure. */
async function takes(client: WireClient, id: bigint, status?: number): Promise<Response> {
  const response = await client.take(`an answer to ${id}`, of(id));
  assertEquals([response.code, response.status?.code], [NORMAL, status]);
  return response;
}

const report = ({ payload }: Response) => fromBinary(ReportSchema, payload);

/** Shows that the connection is alive, and that all that was to come before has come. */
async function goesOn(client: WireClient, id = 1000n): Promise<void> {
  await client.send(request(id, "Unary"));
  await takes(client, id);
}

/** Asks whether streams of requests are taken; returns the window. */
async function window(client: WireClient): Promise<bigint> {
  await client.send({ id: STREAMS, code: END });
  const answer = await client.take("the window", ({ id }) => id > STREAMS && id < HALF_CLOSE);
  assertEquals(answer.code, END);
  return answer.id - STREAMS;
}

serverTest("a stream ends with an end, and a failure comes before it", async (client) => {
  await client.send(request(1n, "ServerStream", { count: 2 }));
  for (const number of [0, 1]) assertEquals(report(await takes(client, 1n)).number, number);
  assertEquals((await client.take("the end", of(1n))).code, END);

  await client.send(request(2n, "ServerStream", { count: 1, failure: 7, message: "no" }));
  await takes(client, 2n);
  const last = await takes(client, 2n, 7);
  assertEquals([last.status!.message, last.payload.length, last.unbegun], ["no", 0, false]);
  assertEquals((await client.take("the end", of(2n))).code, END);
});

serverTest("trailers only are a status of 0 and an end", async (client) => {
  const trailers = [{ key: "a", value: new Uint8Array([255]) }];
  await client.send(request(1n, "ServerStream", { trailers, metadata: trailers }));
  const last = await takes(client, 1n, 0);
  for (const entries of [last.metadata, last.trailers]) {
    assertEquals(entries.map(({ key, value }) => ({ key, value })), trailers);
  }
  assertEquals((await client.take("the end", of(1n))).code, END);
});

serverTest("what there is not is 12, and was not begun", async (client, notes) => {
  const unknown = [
    request(1n, "Nothing"),
    request(2n, "Missing"),
    { ...request(3n, "Unary"), method: "protosocket.tests.v2.Conformance/Unary" },
    { ...request(4n, "Unary"), method: "Unary" },
    { ...request(5n, "Unary"), method: "" },
    { ...request(6n, "Unary"), method: "/" + method("Unary") },
    { ...request(7n, "Unary"), method: method("constructor") },
    { ...request(8n, "Unary"), method: "__proto__" },
    request(9n, "Unary", {}, { encoding: 1 }),
    request(10n, "Unary", {}, { encoding: 4_000_000_000 }),
    { ...uploading(11n, "Unary") },
    { ...uploading(12n, "ServerStream") },
    request(13n, "ClientStream"),
    request(14n, "Bidi"),
    { ...request(15n, "Unary"), method: "x".repeat(1024) },
  ];
  for (const each of unknown) {
    await client.send(each);
    await takes(client, each.id as bigint, 12);
  }
  assertEquals(notes.all, []);
  await goesOn(client);
});

serverTest("a payload that is no request is 3", async (client, notes) => {
  for (const [id, name] of [[1n, "Unary"], [2n, "ServerStream"]] as const) {
    const garbage = Uint8Array.of(0xff, 0xff, 0xff);
    await client.send({ id, method: method(name), payload: garbage });
    await takes(client, id, 3);
  }
  assertEquals(notes.all, []);
  await goesOn(client);
});

serverTest("a deadline is kept by the server", async (client, notes) => {
  await client.send(request(1n, "Unary", { hang: true }, { timeoutUs: 20_000n }));
  await takes(client, 1n, 4);
  await notes.until("unary: signal: deadline-exceeded");
  await client.send(request(2n, "ServerStream", { count: 1, hang: true }, { timeoutUs: 20_000n }));
  // Whether the item is there before the deadline depends on the machine.
  const last = await client.take("the failure", ({ id, status }) => id === 2n && !!status);
  assertEquals(last.status!.code, 4);
  // Longer than any timer.
  await client.send(request(3n, "Unary", {}, { timeoutUs: 2n ** 64n - 1n }));
  await takes(client, 3n);
});

serverTest("a stream of requests that comes late is 4", async (client, notes) => {
  await window(client);
  await client.send({ ...uploading(1n, "ClientStream"), timeoutUs: 20_000n });
  await takes(client, 1n, 4);
  await notes.until("clientStream: signal: deadline-exceeded");
  await client.send(item(1n), halfClose(1n));
  await goesOn(client);
});

serverTest("a cancel has no answer", async (client, notes) => {
  await client.send(request(1n, "Unary", { hang: true }));
  await notes.until("unary: begun");
  await client.send({ id: 1n, code: CANCEL });
  await notes.until("unary: signal: cancelled");
  await client.send(request(2n, "ServerStream", { count: 1, hang: true }));
  await takes(client, 2n);
  await client.send({ id: 2n, code: 77 });
  await notes.until("serverStream: left");
  await goesOn(client);
  assertEquals(client.received.filter(({ code }) => code === NORMAL), []);
  // What comes back says no more than the client did.
  const statuses = client.received.filter(({ code }) => code === CANCEL).map((own) => own.status);
  assertEquals(statuses, [undefined, undefined]);
});

serverTest("cancels and ends of what is not there are ignored", async (client) => {
  for (const code of [CANCEL, END]) await client.send({ id: 5n, code });
  await client.send({ id: HALF_CLOSE + 5n, code: END }, { id: ITEM + 5n, code: END });
  await goesOn(client);
});

serverTest("metadata beyond the bounds is 8", async (client, notes) => {
  const entry = (key: string, bytes = 0) => ({ key, value: new Uint8Array(bytes) });
  const bad: Record<string, Init["metadata"]> = {
    "bytes": [entry("a", 16 * 1024)],
    "entries": Array.from({ length: 129 }, () => entry("a")),
  };
  let id = 1n;
  for (const metadata of Object.values(bad)) {
    await client.send(request(id, "Unary", {}, { metadata: metadata! }));
    await takes(client, id++, 8);
  }
  assertEquals(notes.all, []);
  const most = Array.from({ length: 128 }, () => entry("a", 127));
  await client.send(request(id, "Unary", {}, { metadata: most }));
  assertEquals(report(await takes(client, id)).metadata.length, 128);
});

serverTest("half-close after the items", async (client, notes) => {
  assert(await window(client) > 0n);
  await client.send(uploading(1n, "ClientStream"));
  await client.take("credit", of(ITEM + 1n));
  await client.send(item(1n), item(1n), item(1n), halfClose(1n));
  assertEquals(report(await takes(client, 1n)).requests, 3);
  // What comes of it later is ignored.
  await client.send(item(1n), halfClose(1n), { id: 1n, code: CANCEL });
  await goesOn(client);
  assertEquals(notes.all.includes("clientStream: requests: 3"), true);
});

serverTest("a half-close alone", async (client) => {
  await window(client);
  await client.send(uploading(1n, "ClientStream"), uploading(2n, "Bidi"));
  for (const id of [1n, 2n]) {
    await client.take("credit", of(ITEM + id));
    await client.send(halfClose(id), halfClose(id));
  }
  assertEquals(report(await takes(client, 1n)).requests, 0);
  assertEquals((await client.take("the end", of(2n))).code, END);
});

serverTest("an answer before the half-close", async (client) => {
  await window(client);
  await client.send(uploading(1n, "ClientStream"));
  await client.take("credit", of(ITEM + 1n));
  await client.send(item(1n, { count: 2 }), item(1n));
  assertEquals(report(await takes(client, 1n)).requests, 2);
  await client.send(item(1n), halfClose(1n));
  await goesOn(client);
});

serverTest("each item is answered when it comes", async (client) => {
  await window(client);
  await client.send(uploading(1n, "Bidi"));
  await client.take("credit", of(ITEM + 1n));
  for (const number of [0, 1, 2]) {
    await client.send(item(1n, { count: 1 }));
    assertEquals(report(await takes(client, 1n)).number, number);
  }
  await client.send(halfClose(1n));
  assertEquals((await client.take("the end", of(1n))).code, END);
});

serverTest("an item that is no request is 3", async (client) => {
  await window(client);
  await client.send(uploading(1n, "ClientStream"));
  await client.take("credit", of(ITEM + 1n));
  await client.send({ id: ITEM + 1n, code: END, payload: Uint8Array.of(0xff) });
  await takes(client, 1n, 3);
  await goesOn(client);
});

serverTest("a cancel between items", async (client, notes) => {
  await window(client);
  await client.send(uploading(1n, "ClientStream"));
  await client.take("credit", of(ITEM + 1n));
  await client.send(item(1n), { id: 1n, code: CANCEL }, item(1n));
  await notes.until("clientStream: signal: cancelled");
  await goesOn(client);
  assertEquals(client.received.filter(({ id, code }) => id === 1n && code === NORMAL), []);
});

serverTest("items beyond the credit end the connection", async (client) => {
  const most = Number(await window(client));
  await client.send(uploading(1n, "ClientStream"));
  await client.take("credit", of(ITEM + 1n));
  const data = new Uint8Array(64 * 1024);
  let sent = 0;
  try {
    // The handler hangs from the first item on, so there is no more credit.
    await client.send(item(1n, { hang: true }));
    for (; sent <= 4 * most; sent += data.length) await client.send(item(1n, { data }));
  } catch {
    // It has ended.
  }
  await client.connection.closed;
  assert(sent >= most / 2, `after ${sent} of ${most} bytes`);
});
