// Typed services with the other end written by hand in Rust, on the published crates: each end
// as the server of the other.
import { fromBinary } from "@bufbuild/protobuf";
import {
  type Client,
  createClient,
  Metadata,
  serveServices,
  serviceClient,
  ServiceError,
  type ServiceErrorCode,
} from "@protosocket/protosocket/services";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { MissingSchema } from "../../examples/services/gen/prices_pb.ts";
import { Prices } from "../../examples/services/service.ts";
import { sockets } from "../../examples/support/sockets.ts";
import { soon } from "../support/within.ts";
import { pricesService } from "./prices_service.ts";
import { rustClient, type RustServer, rustServer } from "./rust_peer.ts";

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, i) => i);

/** What the Rust client does, and which calls' signals should have fired after it. */
const CASES: Record<string, string[]> = {
  "unary": [],
  "stream": [],
  "status": [],
  "stream-status": [],
  "metadata": [],
  "trailers": [],
  "trailers-only": [],
  "deadline": ["NEVER: deadline-exceeded", "NEVER-QUOTED: deadline-exceeded"],
  "cancel": ["NEVER: cancelled"],
  "cancel-stream": ["NEVER: left"],
  "busy": [],
  "crash": [],
  "unknown-method": [],
  "unknown-service": [],
  "encoding": [],
  "garbage": [],
  "needs-stream": [],
  "unwanted-stream": [],
};

for (const [name, expected] of Object.entries(CASES)) {
  test(`Rust client of services: ${name}`, async () => {
    const { listen } = await sockets();
    const listener = await listen({ port: 0 });
    const aborted: string[] = [];
    const errors: string[] = [];
    await using server = serveServices(listener, {
      services: [pricesService((symbol, code) => aborted.push(`${symbol}: ${code}`))],
      onError: (error) => errors.push((error as Error).message),
    });
    const { port } = listener.address as { port: number };
    await rustClient(port, name, [], "services-client");
    await server.close();
    assertEquals(aborted, expected);
    assertEquals(errors, name === "crash" ? ["a secret"] : []);
  });
}

/** Registers a case with a Rust server and a client of its own. */
function serverTest(
  name: string,
  run: (
    client: Client<typeof Prices>,
    server: RustServer,
    rpc: ReturnType<typeof serviceClient>,
  ) => Promise<void>,
): void {
  test(`Rust server of services: ${name}`, async () => {
    const { connect } = await sockets();
    await using server = await rustServer([], "services-server");
    const { hostname, port } = server;
    await using rpc = serviceClient(await connect({ hostname, port }));
    const client = createClient(Prices, rpc);
    await soon(run(client, server, rpc), name);
    // Whatever it was, the connection goes on.
    assertEquals((await client.getQuote({ symbol: "X" })).price, 100);
  });
}

async function fails(promise: Promise<unknown>, code: ServiceErrorCode): Promise<ServiceError> {
  const error = await assertRejects(() => promise, ServiceError);
  assertEquals(error.code, code, error.message);
  return error;
}

function isMissing(error: ServiceError): void {
  assertEquals(error.message, "no such symbol: MISSING");
  const [detail] = error.details;
  assertEquals(detail?.typeUrl, "type.googleapis.com/prices.v1.Missing");
  assertEquals(fromBinary(MissingSchema, detail!.value).symbol, "MISSING");
}

serverTest("unary, 1,000 at once and 1 MiB", async (client) => {
  const symbols = Array.from({ length: 1000 }, (_, i) => `symbol ${i}`);
  symbols.push("", "Grüße, 世界 🦀", "0123456789abcdef".repeat(1 << 16));
  const quotes = await Promise.all(symbols.map((symbol) => client.getQuote({ symbol })));
  for (const [i, { symbol, price }] of quotes.entries()) {
    assert(symbol === symbols[i]);
    assertEquals(price, 100);
  }
});

serverTest("a stream, to its end", async (client) => {
  for (const count of [0, 1, 1000]) {
    let sequence = 0;
    for await (const quote of client.watchQuotes({ symbol: "X", count })) {
      assertEquals(quote.sequence, sequence++);
    }
    assertEquals(sequence, count);
  }
});

serverTest("a status with details", async (client) => {
  isMissing(await fails(client.getQuote({ symbol: "MISSING" }), "not-found"));
  const stream = client.watchQuotes({ symbol: "MISSING", count: 9 });
  for (let i = 0; i < 2; i++) assertEquals((await stream.next()).value?.sequence, i);
  isMissing(await fails(stream.next(), "not-found"));
  const busy = await fails(client.getQuote({ symbol: "BUSY" }), "unavailable");
  assertEquals(busy.begun, false);
});

serverTest("metadata and trailers", async (client) => {
  await fails(client.getQuote({ symbol: "SECRET" }), "unauthenticated");
  const authorized = { metadata: { authorization: "Bearer open sesame" } };
  await client.getQuote({ symbol: "SECRET" }, authorized);

  const metadata = new Metadata({ text: "grüße", "all-bin": ALL_BYTES });
  metadata.append("text", "again");
  for (const symbols of [undefined, 0, 2]) {
    const got: Metadata[] = [];
    const options = {
      metadata,
      onMetadata: (metadata: Metadata) => got.push(metadata),
      onTrailers: (trailers: Metadata) => got.push(trailers),
    };
    if (symbols === undefined) await client.getQuote({ symbol: "ECHO" }, options);
    else {
      let count = 0;
      const stream = client.watchQuotes({ symbol: "ECHO", count: symbols }, options);
      for await (const _ of stream) count++;
      assertEquals(count, symbols);
    }
    assertEquals(got.length, 2);
    for (const one of got) {
      assertEquals(one.getAll("text"), ["grüße", "again"]);
      assertEquals(Uint8Array.from(one.getBytes("all-bin")!), ALL_BYTES);
    }
  }
});

serverTest("deadlines, told and kept", async (client, server) => {
  const { price } = await client.getQuote({ symbol: "TIME-LEFT" }, { timeout: 60_000 });
  assert(price > 0 && price <= 60_000, `${price} ms left`);
  assertEquals((await client.getQuote({ symbol: "TIME-LEFT" })).price, 0);
  await fails(client.getQuote({ symbol: "NEVER" }, { timeout: 50 }), "deadline-exceeded");
  await server.printed(/^dropped /m);
});

serverTest("a cancel", async (client, server) => {
  const controller = new AbortController();
  const never = client.getQuote({ symbol: "NEVER" }, { signal: controller.signal });
  await client.getQuote({ symbol: "sent after it" });
  const reason = new Error("no longer interested");
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => never), reason);
  await server.printed(/^dropped /m);
});

serverTest("a stream that is left", async (client, server) => {
  let count = 0;
  for await (const _ of client.watchQuotes({ symbol: "NEVER" })) if (++count === 5) break;
  await server.printed(/^dropped /m);
});

serverTest("a refusal without a status", async (client) => {
  await fails(client.getQuote({ symbol: "REFUSE" }), "cancelled");
  await fails(client.watchQuotes({ symbol: "REFUSE" }).next(), "cancelled");
});

serverTest("streams of requests are refused, and say so", async (client) => {
  const orders = [{ symbol: "X", amount: 1 }, { symbol: "X", amount: 2 }];
  await fails(client.placeOrders(orders), "unimplemented");
  await fails(client.trade(orders).next(), "unimplemented");
});

serverTest("a method that it does not have", async (_, __, rpc) => {
  const { getQuote, watchQuotes } = Prices.methods;
  const guesses = createClient({
    name: "prices.v1.Guesses",
    methods: {
      unary: { ...getQuote, path: "prices.v1.Guesses/GetQuote" },
      stream: { ...watchQuotes, path: "prices.v1.Guesses/WatchQuotes" },
    },
  }, rpc);
  await fails(guesses.unary({ symbol: "X" }), "unimplemented");
  await fails(guesses.stream({ symbol: "X" }).next(), "unimplemented");
});
