// TLS against that of the Rust crates: their client with this library's server, and this
// library's client with their server.
import { create } from "@bufbuild/protobuf";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { RpcClient, RpcError } from "@protosocket/protosocket/rpc";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { echoMessages } from "../../examples/support/echo_es.ts";
import {
  EchoRequestSchema,
  type Request,
  RequestSchema,
  type Response,
  ResponseBehavior,
  ResponseSchema,
} from "../../examples/proto/gen/echo_pb.ts";
import type { TlsConnectOptions, TlsListenOptions } from "../../src/adapters/base/_options.ts";
import { directory } from "../conformance/sockets.ts";
import { authority, type Certified, certified } from "../support/certificates.ts";
import { ca, connect, ours, TlsServer, trusting } from "../support/tls.ts";
import { outcome, soon } from "../support/within.ts";
import { protobufEcho } from "./echo_service.ts";
import { rustClientTests } from "./rust_client_cases.ts";
import { rustClient, rustServer } from "./rust_peer.ts";

const clients = await authority("An authority of clients");
const client = await certified(clients, ["a client"]);

// What the Rust program reads of it, for as long as the tests run.
const place = directory();
process.on("exit", () => place[Symbol.dispose]());

function file(name: string, text: string): string {
  const path = join(place.path, name);
  writeFileSync(path, text);
  return path;
}

function identity(name: string, { cert, key }: Certified): string[] {
  return ["--cert", file(`${name}.pem`, cert), "--key", file(`${name}.key`, key)];
}

const UNVERIFIED = ["--tls", "unverified"];
const GIVEN = ["--tls", "given", "--ca", file("ca.pem", ca.cert)];
const AS_CLIENT = identity("client", client);
const AS_SERVER = identity("server", ours);
const WANTS_CLIENTS = ["--ca", file("clients.pem", clients.cert)];

rustClientTests("TLS, Rust client that verifies nothing", protobufEcho, UNVERIFIED, { tls: ours });
rustClientTests(
  "TLS, Rust client that verifies and is verified",
  protobufEcho,
  [...GIVEN, ...AS_CLIENT],
  { tls: { ...ours, clientCaCerts: [clients.cert] } },
);

/** The Rust client finds the server wrong, or the server the client. */
async function refusing(options: Partial<TlsListenOptions>, flags: string[]): Promise<void> {
  await using server = await TlsServer.listen(options);
  const running = outcome(rustClient(server.port, "unary", flags));
  const { error } = await server.failure();
  assertEquals(error.code, "tls", error.message);
  assertEquals((await soon(running, "the client's end")).kind, "error");
  // It has harmed nobody.
  await server.serves({ unverified: true, ...client });
}

test("TLS, Rust client: refuses a server without a publicly trusted certificate", async () => {
  await refusing({}, ["--tls", "public"]);
});

test("TLS, Rust client: refuses a server with another name", async () => {
  await refusing(await certified(ca, ["example.com"]), GIVEN);
});

test("TLS, Rust client: is refused without a trusted certificate", async () => {
  await refusing({ clientCaCerts: [clients.cert] }, GIVEN);
  const others = identity("stranger", await certified(ca, ["a client"]));
  await refusing({ clientCaCerts: [clients.cert] }, [...GIVEN, ...others]);
});

test("TLS, Rust client: is refused if it speaks plain text", async () => {
  await refusing({}, []);
});

type Client = RpcClient<Request, Response>;

/** Registers a case with a Rust server and a client of its own. */
function rustServerTest(
  name: string,
  run: (client: Client) => Promise<void>,
  tls: TlsConnectOptions = trusting,
  flags: readonly string[] = [],
): void {
  test(`TLS, Rust server: ${name}`, async () => {
    await using server = await rustServer([...AS_SERVER, ...flags]);
    await using client = await clientOf(server.port, tls);
    await soon(run(client), name);
  });
}

async function clientOf(port: number, tls: boolean | TlsConnectOptions): Promise<Client> {
  return new RpcClient<Request, Response>(await soon(connect({ port, tls }), "a connection"), {
    codec: protobufEs(ResponseSchema, RequestSchema),
    messages: echoMessages,
  });
}

function request(
  message: string,
  responseBehavior: ResponseBehavior = ResponseBehavior.UNARY,
): Request {
  return create(RequestSchema, { body: create(EchoRequestSchema, { message }), responseBehavior });
}

async function assertEcho(client: Client, message: string): Promise<void> {
  const { kind } = await client.unary(request(message));
  assert(kind.case === "echo");
  assert(kind.value.message === message, `the echo of ${message.slice(0, 100)} is another`);
}

rustServerTest("answers unary rpcs", async (client) => {
  for (const message of ["", "hello", "Grüße, 世界 🌍"]) await assertEcho(client, message);
});

rustServerTest("streams to the end", async (client) => {
  let text = "";
  for await (const { kind } of client.streaming(request("hello", ResponseBehavior.STREAM))) {
    text += kind.value?.message;
  }
  assertEquals(text, "hello");
});

rustServerTest("echoes 3 MiB", (client) => assertEcho(client, "0123456789abcdef".repeat(3 << 16)));

rustServerTest("answers 1,000 rpcs in flight out of order", async (client) => {
  const calls = Array.from({ length: 1000 }, (_, i) => assertEcho(client, `delay:${i * 7 % 50}:`));
  await Promise.all(calls);
});

rustServerTest("goes away in the middle of a stream", async (client) => {
  const stream = client.streaming(request("exit-after:3", ResponseBehavior.STREAM));
  for (let i = 0; i < 3; i++) assertEquals((await stream.next()).done, false);
  assertEquals((await assertRejects(() => stream.next(), RpcError)).code, "connection-closed");
});

rustServerTest("is taken unverified", (client) => assertEcho(client, "hello"), {
  unverified: true,
});

rustServerTest(
  "that wants a certificate takes ours",
  (connection) => assertEcho(connection, "hello"),
  { ...trusting, ...client },
  WANTS_CLIENTS,
);

test("TLS, Rust server: refuses a client without a certificate, if it requires one", async () => {
  await using server = await rustServer([...AS_SERVER, ...WANTS_CLIENTS]);
  for (const tls of [trusting, { ...trusting, ...ours }]) {
    const calling = clientOf(server.port, tls).then(async (client) => {
      await using _client = client;
      await client.unary(request("hello"));
    });
    assertEquals((await soon(outcome(calling), "the refusal")).kind, "error");
  }
});

test("TLS, Rust server: is refused under another name, or with another root", async () => {
  await using server = await rustServer(AS_SERVER);
  const wrong = [{ ...trusting, serverName: "example.com" }, { caCerts: [clients.cert] }];
  for (const tls of wrong) {
    const connecting = await soon(outcome(connect({ port: server.port, tls })), "the refusal");
    assert(connecting.kind === "error");
    assertEquals((connecting.error as { code: string }).code, "tls");
  }
});
