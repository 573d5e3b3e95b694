// What is missing or of the wrong kind is refused by its name, and not by how it was noticed.
import { Connection, duplexPair } from "@protosocket/protosocket";
import { dnsEndpoints, dnsTtlEndpoints, srvEndpoints } from "@protosocket/protosocket/dns";
import { RpcClient, RpcPool, serveRpc } from "@protosocket/protosocket/rpc";
import { ServiceError } from "@protosocket/protosocket/services";
import { serviceOf } from "@protosocket/protosocket/services-protobuf-es";
import { serviceOf as tsProtoServiceOf } from "@protosocket/protosocket/services-ts-proto";
import { connect, listen } from "@protosocket/protosocket/sockets";
import { connect as connectWebSocket } from "@protosocket/protosocket/websocket";
import { listen as listenWebSocket } from "@protosocket/protosocket/websocket-node";
import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { MissingSchema } from "../../examples/services/gen/prices_pb.ts";
import { memoryListener } from "../support/memory_listener.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

const none = undefined as Any;
const duplex = () => duplexPair()[0];
const parts = { codec: { encoder: {}, decoder: {} }, reactor: () => ({}) } as Any;
const pooled = { endpoints: [{ port: 1 }], connect: () => none as Promise<Any> };
const pool = (weight: Any) => new RpcPool({ ...pooled, endpoints: [{ port: 1, weight }] });

const MISTAKES: [what: string, act: () => unknown, told: string][] = [
  ["connect", () => connect(none), "options must have a port or a path, not be undefined"],
  ["listen", () => listen(none), "options must have a port or a path, not be undefined"],
  [
    "a hostname",
    () => connect({ port: 1, hostname: 5 as Any }),
    "hostname must be a string that is not empty, not 5",
  ],
  [
    "host, as node:net calls it",
    () => connect({ port: 1, host: "10.0.0.1" } as Any),
    "The option is called hostname, not host",
  ],
  [
    "host of a listener",
    () => listen({ port: 0, host: "0.0.0.0" } as Any),
    "The option is called hostname, not host",
  ],
  [
    "host of a listener for WebSockets",
    () => listenWebSocket({ port: 0, host: "0.0.0.0" } as Any),
    "The option is called hostname, not host",
  ],
  [
    "a port for a URL",
    () => connectWebSocket({ port: 1 } as Any),
    "The URL of a WebSocket cannot be read: an object",
  ],
  [
    "a signal",
    () => connect({ port: 1, signal: 5 as Any }),
    "signal must be an AbortSignal, not 5",
  ],
  [
    "noDelay",
    () => connect({ port: 1, noDelay: "yes" as Any }),
    'noDelay must be true or false, not "yes"',
  ],
  [
    "tls.unverified",
    () => connect({ port: 1, tls: { unverified: 0 as Any } }),
    "tls.unverified must be true or false, not 0",
  ],
  [
    "halfClose",
    () => connectWebSocket("ws://localhost:1", { halfClose: "no" as Any }),
    'halfClose must be true or false, not "no"',
  ],
  [
    "a pool's waitForReady",
    () => new RpcPool({ ...pooled, waitForReady: "no" as Any }),
    'waitForReady must be true or false, not "no"',
  ],
  [
    "a call's waitForReady",
    () => new RpcPool(pooled).unary({}, { waitForReady: {} as Any }),
    "waitForReady must be true or false, not an object",
  ],
  [
    "a WebSocket's signal",
    () => connectWebSocket("ws://localhost:1", { signal: {} as Any }),
    "signal must be an AbortSignal, not an object",
  ],
  [
    "a listener for WebSockets",
    () => listenWebSocket(none),
    "options must have a port, not be undefined",
  ],
  [
    "a connection",
    () => new Connection(duplex(), none),
    "config must have a codec, not be undefined",
  ],
  [
    "a heartbeat",
    () => new Connection(duplex(), { ...parts, heartbeat: 5 }),
    "heartbeat must have a message, not be 5",
  ],
  [
    "a client",
    () => new RpcClient(duplex(), none),
    "config must have a codec, not be undefined",
  ],
  [
    "a server",
    () => serveRpc(memoryListener(), none),
    "config must have a codec, not be undefined",
  ],
  ["a weight", () => pool(0), "weight of an endpoint must be a number above 0, not 0"],
  ["a weight", () => pool("2"), 'weight of an endpoint must be a number above 0, not "2"'],
  [
    "endpoints of a name",
    () => dnsEndpoints(none),
    "options must have a hostname, not be undefined",
  ],
  [
    "endpoints for a time",
    () => dnsTtlEndpoints(none),
    "options must have a hostname, not be undefined",
  ],
  ["SRV records", () => srvEndpoints(none), "options must have a name, not be undefined"],
  [
    "a code",
    () => new ServiceError("NOT_FOUND" as Any, "x"),
    'code must be one that fails, such as "not-found", not "NOT_FOUND"',
  ],
  [
    "a service",
    () => serviceOf(none),
    "service must be a service that protoc-gen-es generated, not undefined",
  ],
  [
    "a message for a service",
    () => serviceOf(MissingSchema as Any),
    "service must be a service that protoc-gen-es generated, not an object",
  ],
  [
    "a service of ts-proto",
    () => tsProtoServiceOf(none),
    "service must be a definition that ts-proto generated, not undefined",
  ],
];

for (const [what, act, told] of MISTAKES) {
  test(`${what} that is wrong: ${told}`, async () => {
    const error = await assertRejects(async () => await act(), Error);
    assertEquals(error.message, told);
  });
}
