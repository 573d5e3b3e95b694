// The load client of the Rust crates' proto example:
//
//   deno run -A examples/proto/client.ts 127.0.0.1:9000
//   bun examples/proto/client.ts 127.0.0.1:9000
//   npx tsx examples/proto/client.ts 127.0.0.1:9000
//
// It keeps 256 unary echoes in flight over 4 connections, checks every answer, and
// prints a line each second. With --help it tells its options.
import { create } from "@bufbuild/protobuf";
import process from "node:process";
import { parseArgs } from "node:util";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { RpcClient } from "@protosocket/protosocket/rpc";
import { closedLoop, openLoop } from "../support/load.ts";
import { parseAddress, sockets } from "../support/sockets.ts";
import { echoMessages } from "./echo.ts";
import {
  EchoRequestSchema,
  type Request,
  RequestSchema,
  type Response,
  ResponseSchema,
} from "./gen/echo_pb.ts";

const HELP = `Usage: client.ts [host:port] [options]

Drives an echo server (default 127.0.0.1:9000) and prints, each second, rpcs per second
and the latencies' percentiles in milliseconds; at the end, the same of the whole run.

  --seconds N      stop after N seconds (default: until stopped)
  --rate N         send N rpcs a second on a fixed schedule, and count latency from the
                   time that the schedule says (default: as fast as answers come)
  --in-flight N    rpcs in flight without --rate (default 256)
  --connections N  connections (default 4)
  --help           this text`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "Infinity" },
    rate: { type: "string" },
    "in-flight": { type: "string", default: "256" },
    connections: { type: "string", default: "4" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const { connect } = await sockets();
const address = parseAddress(positionals[0] ?? "127.0.0.1:9000");
const clients: RpcClient<Request, Response>[] = [];
for (let i = 0; i < Number(values.connections); i++) {
  clients.push(
    new RpcClient(await connect(address), {
      codec: protobufEs(ResponseSchema, RequestSchema),
      messages: echoMessages,
    }),
  );
}

let calls = 0;
/** Makes one call and checks its answer. */
async function call(): Promise<void> {
  const number = calls++;
  const message = String(number);
  const nanotime = BigInt(number);
  const body = create(EchoRequestSchema, { message, nanotime });
  const request = create(RequestSchema, { body });
  const { kind } = await clients[number % clients.length]!.unary(request);
  if (kind.case !== "echo" || kind.value.message !== message || kind.value.nanotime !== nanotime) {
    throw new Error(`The answer to ${message} is not its echo`);
  }
}

try {
  const seconds = Number(values.seconds);
  if (values.rate) await openLoop(call, { rate: Number(values.rate), seconds });
  else await closedLoop(call, { inFlight: Number(values["in-flight"]), seconds });
} catch (error) {
  console.error(`failed after ${calls} calls:`, error);
  process.exitCode = 1;
}
await Promise.all(clients.map((client) => client.close()));
