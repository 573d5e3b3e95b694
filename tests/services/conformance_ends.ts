// What the tests of conformance run on: a server and a client, over sockets and in memory, and
// calls of every kind whose whole outcome can be compared.
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Client,
  createClient,
  inMemory,
  type Metadata,
  serveServices,
  type ServiceCallOptions,
  serviceClient,
  ServiceError,
  type ServiceErrorCode,
} from "@protosocket/protosocket/services";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { test } from "node:test";
import { sockets } from "../../examples/support/sockets.ts";
import type { Report, ScriptSchema } from "../support/proto/gen/conformance_pb.ts";
import { soon } from "../support/within.ts";
import { Conformance, conformance, Notes } from "./conformance_service.ts";

export const KINDS = ["unary", "serverStream", "clientStream", "bidi"] as const;
export type Kind = typeof KINDS[number];
/** Those whose answer is a stream. */
export const STREAMS = ["serverStream", "bidi"] as const;
/** Those whose requests are. */
export const UPLOADS = ["clientStream", "bidi"] as const;

export type ScriptInit = MessageInitShape<typeof ScriptSchema>;
export type ConformanceClient = Client<typeof Conformance>;

/** Both ends of a connection. */
export interface Ends {
  readonly client: ConformanceClient;
  readonly notes: Notes;
  /** What the server's `onError` was told: the method, and the message. */
  readonly errors: string[];
  /** Breaks the connection off. */
  abort(): void;
}

/** The same over a socket. */
export interface SocketEnds extends Ends {
  readonly port: number;
}

/** Registers tests with a server and a client of their own: over sockets, and both ways in memory. */
export function conformanceTest(name: string, run: (ends: Ends) => Promise<void>): void {
  overSockets(name, run);
  for (const codec of [true, false]) {
    const title = codec ? "in memory" : "in memory without a codec";
    test(`services ${title}: ${name}`, async () => {
      const notes = new Notes();
      const errors: string[] = [];
      await using rpc = inMemory([conformance(notes)], {
        codec,
        onError: (error, context) =>
          errors.push(`${context?.method.path}: ${(error as Error).message}`),
      }) as ReturnType<typeof serviceClient>;
      const client = createClient(Conformance, rpc);
      await soon(run({ client, notes, errors, abort: () => rpc.abort() }), name);
    });
  }
}

/** Registers a test with a server and a client of its own, over a socket. */
export function overSockets(name: string, run: (ends: SocketEnds) => Promise<void>): void {
  test(`services: ${name}`, async () => {
    const { connect, listen } = await sockets();
    const listener = await listen({ port: 0 });
    const notes = new Notes();
    const errors: string[] = [];
    await using _server = serveServices(listener, {
      services: [conformance(notes)],
      // On Deno, a connection that is broken off ends in order.
      drainTimeout: 500,
      onError: (error, context) => {
        assertEquals(context?.peer.address?.transport, "tcp");
        errors.push(`${context?.method.path}: ${(error as Error).message}`);
      },
    });
    const { port } = listener.address as { port: number };
    await using rpc = serviceClient(await connect({ port }));
    const client = createClient(Conformance, rpc);
    await soon(run({ client, notes, errors, port, abort: () => rpc.abort() }), name);
  });
}

/** All that a caller learns of a call. */
export interface Outcome {
  readonly reports: readonly Report[];
  readonly error: unknown;
  readonly metadata: Metadata | undefined;
  readonly trailers: Metadata | undefined;
}

/** Makes a call of any kind; requests of kinds that take one only are the first. */
export async function call(
  client: ConformanceClient,
  kind: Kind,
  scripts: readonly ScriptInit[],
  options: ServiceCallOptions = {},
): Promise<Outcome> {
  let metadata: Metadata | undefined;
  let trailers: Metadata | undefined;
  const reports: Report[] = [];
  let error: unknown;
  try {
    for await (
      const report of answers(client, kind, scripts, {
        onMetadata: (given) => metadata = given,
        onTrailers: (given) => trailers = given,
        ...options,
      })
    ) reports.push(report);
  } catch (reason) {
    error = reason;
  }
  return { reports, error, metadata, trailers };
}

/** What a call of any kind is answered with. */
async function* answers(
  client: ConformanceClient,
  kind: Kind,
  scripts: readonly ScriptInit[],
  options: ServiceCallOptions,
): AsyncGenerator<Report> {
  const first = scripts[0] ?? {};
  if (kind === "unary") yield await client.unary(first, options);
  else if (kind === "clientStream") yield await client.clientStream(scripts, options);
  else if (kind === "serverStream") yield* client.serverStream(first, options);
  else yield* client.bidi(scripts, options);
}

export function assertFailed(error: unknown, code: ServiceErrorCode): ServiceError {
  assert(error !== undefined, `it succeeded, instead of ${code}`);
  assertInstanceOf(error, ServiceError);
  assertEquals(error.code, code, error.message);
  assert(error.message.length > 0, "an error without a message");
  return error;
}
