// The load client of the examples, for any encoding of their messages.
import process from "node:process";
import { parseArgs } from "node:util";
import type { Codec } from "@protosocket/protosocket";
import { RpcClient, type RpcMessages } from "@protosocket/protosocket/rpc";
import { connect, type ConnectOptions } from "@protosocket/protosocket/sockets";
import { closedLoop, openLoop } from "./load.ts";
import { parseAddress } from "./sockets.ts";

const HELP = `Usage: client.ts [host:port] [options]

Calls an echo server (default 127.0.0.1:9000). Prints, each second and at the end for the
whole run, the RPCs per second and the latency percentiles in milliseconds.

  --seconds N      stop after N seconds (default: when interrupted)
  --rate N         make N RPCs a second on a fixed schedule, and measure latency from the
                   scheduled time (default: as fast as responses arrive)
  --in-flight N    RPCs in flight without --rate (default 256)
  --connections N  connections (default 4)
  --help           this text`;

/** A load client's codec, and where ids and control codes are in its messages. */
export interface LoadMessages<Request, Response> {
  readonly codec: () => Codec<Response, Request>;
  readonly messages: RpcMessages<Request, Response>;
}

/** What is echoed, and how to check it. */
export interface Echo<Request, Response> extends LoadMessages<Request, Response> {
  /** Makes a request to be echoed. */
  readonly request: (message: string, nanotime: number) => Request;
  /** Whether a response is the echo of that request. */
  readonly isEcho: (response: Response, message: string, nanotime: number) => boolean;
}

/** How to connect, besides the address. */
type How = Pick<ConnectOptions, "tls">;

/** Makes unary echo calls, as the command line says. */
export async function loadClient<Request, Response>(
  echo: Echo<Request, Response>,
  how: How = {},
): Promise<void> {
  await drive(echo, async (client, number) => {
    const message = String(number);
    const response = await client.unary(echo.request(message, number));
    if (!echo.isEcho(response, message, number)) {
      throw new Error(`The answer to ${message} is not its echo`);
    }
  }, how);
}

/** Makes calls, as the command line says; `call` makes one and checks its result. */
export async function drive<Request, Response>(
  { codec, messages }: LoadMessages<Request, Response>,
  call: (client: RpcClient<Request, Response>, number: number) => Promise<void>,
  how: How = {},
): Promise<void> {
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
  if (values.help) return console.log(HELP);

  const address = parseAddress(positionals[0] ?? "127.0.0.1:9000");
  const clients: RpcClient<Request, Response>[] = [];
  for (let i = 0; i < Number(values.connections); i++) {
    clients.push(
      new RpcClient(await connect({ ...address, ...how }), { codec: codec(), messages }),
    );
  }

  let calls = 0;
  const next = () => call(clients[calls % clients.length]!, calls++);
  try {
    const seconds = Number(values.seconds);
    if (values.rate) await openLoop(next, { rate: Number(values.rate), seconds });
    else await closedLoop(next, { inFlight: Number(values["in-flight"]), seconds });
  } catch (error) {
    console.error(`failed after ${calls} calls:`, error);
    process.exitCode = 1;
  }
  await Promise.all(clients.map((client) => client.close()));
}
