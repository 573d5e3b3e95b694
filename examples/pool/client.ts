// A client that keeps working when a server fails. Start two servers and this client, then
// stop and restart either server as you like:
//
//   npx tsx examples/proto/server.ts 127.0.0.1:9000      # or: deno run -A …, bun …
//   npx tsx examples/proto/server.ts 127.0.0.1:9001
//   npx tsx examples/pool/client.ts 127.0.0.1:9000 127.0.0.1:9001
//
// It makes a hundred calls a second over a pool of four connections. It prints a line for
// each connection that opens, fails to open, is about to end, or ends, and a summary of the
// calls each second. No call fails, whether a server is stopped in order or killed.
// With --seconds, it drains the pool and ends after that time.
import { parseArgs } from "node:util";
import { RpcClient, RpcError, RpcPool } from "@protosocket/protosocket/rpc";
import { connect } from "@protosocket/protosocket/sockets";
import { clientCodec, echoMessages as messages } from "../proto/echo.ts";
import { echo } from "../proto/load.ts";
import { formatAddress, parseAddress } from "../support/sockets.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "Infinity" } },
});

type Endpoint = ReturnType<typeof parseAddress>;
const name = (endpoint: Endpoint) => formatAddress({ transport: "tcp", ...endpoint });

const pool = new RpcPool({
  // Or look them up by a host name: dnsEndpoints({ hostname, port }) of ./dns.
  endpoints: (positionals.length > 0 ? positionals : ["127.0.0.1:9000", "127.0.0.1:9001"])
    .map(parseAddress),
  connect: async (endpoint, { signal }) =>
    new RpcClient(await connect({ ...endpoint, signal }), {
      codec: clientCodec(),
      messages,
    }),
  timeout: 1000,
  observer: {
    onConnected: (endpoint) => console.log(`connected to ${name(endpoint)}`),
    onConnectFailed: (endpoint, error, rest) =>
      console.log(`${name(endpoint)} rests for ${Math.round(rest)} ms: ${error}`),
    onGoingAway: (endpoint) => console.log(`${name(endpoint)} is going away`),
    onDisconnected: (endpoint, { kind }) => console.log(`disconnected: ${name(endpoint)}, ${kind}`),
  },
});

const outcomes = new Map<string, number>();

async function call(): Promise<void> {
  let outcome = "answered";
  try {
    // An echo may safely be executed twice, so a call that a dying server may have seen is
    // retried on another.
    await pool.unary(echo.request("hello", 0), { idempotent: true });
  } catch (error) {
    outcome = error instanceof RpcError ? error.code : String(error);
  }
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

function report(): void {
  if (outcomes.size === 0) return;
  const counts = [...outcomes].map(([outcome, count]) => `${count} ${outcome}`);
  console.log(`${counts.join(", ")}; ${pool.connected} of ${pool.size} connected`);
  outcomes.clear();
}

const calling = setInterval(call, 10);
const reporting = setInterval(report, 1000);
await new Promise<void>((resolve) => {
  const seconds = Number(values.seconds);
  if (seconds < Infinity) setTimeout(resolve, seconds * 1000);
});
clearInterval(calling);
clearInterval(reporting);
await pool.drain();
report();
