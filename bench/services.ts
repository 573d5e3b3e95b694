// What a call of a typed service costs beside an RPC with the same messages by hand: both ends in
// one process, without sockets.
//
//   deno run -A bench/services.ts      bun bench/services.ts      npx tsx bench/services.ts
//
// 256 unary echoes in flight, in turns; prints CPU nanoseconds a call of both ends, the best of
// the rounds. With names of rows as arguments, measures these only; with --in-flight 1, one call
// after the other. Calls of the rows "timeout" have one, and "async" handlers are awaited.
import process from "node:process";
import { parseArgs } from "node:util";
import { create } from "@bufbuild/protobuf";
import { type Codec, Connection, duplexPair } from "@protosocket/protosocket";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { RpcClient, type RpcMessages, rpcReactor } from "@protosocket/protosocket/rpc";
import { inMemory, type ServerInterceptor } from "@protosocket/protosocket/services";
import { clientCodec, echoMessages, serverCodec } from "../examples/proto/echo.ts";
import { echo } from "../examples/proto/load.ts";
import {
  EchoRequestSchema,
  EchoResponseSchema,
  RequestSchema,
  ResponseSchema,
} from "../examples/proto/gen/echo_pb.ts";
import { echoMessages as esMessages } from "../examples/support/echo_es.ts";
import { columns } from "./report/table.ts";
import { echoService } from "./rows/services/echo.ts";

const { values: { "in-flight": inFlight }, positionals: wanted } = parseArgs({
  options: { "in-flight": { type: "string", default: "256" } },
  allowPositionals: true,
});
const IN_FLIGHT = Number(inFlight);
const CALLS = 20_000;
const ROUNDS = 15;

/** Makes a call, and then tells whether its answer is its echo. */
type Call = (text: string, number: number, done: (isEcho: boolean) => void) => void;

function failed(error: unknown): never {
  throw error;
}

function rpc<Request, Response>(
  messages: RpcMessages<Request, Response>,
  server: Codec<Request, Response>,
  client: Codec<Response, Request>,
  handler: (request: Request) => Response,
): RpcClient<Request, Response> {
  const [here, there] = duplexPair();
  new Connection(there, { codec: server, reactor: rpcReactor(messages, handler) });
  return new RpcClient(here, { codec: client, messages });
}

const TIMEOUT = { timeout: 1000 };

function tsProto(options?: typeof TIMEOUT): Call {
  const client = rpc(echoMessages, serverCodec(), clientCodec(), ({ body }) => ({
    requestId: 0n,
    code: 0,
    kind: { $case: "echo" as const, value: body! },
  }));
  return (text, number, done) =>
    client.unary(echo.request(text, number), options).then(
      (answer) => done(echo.isEcho(answer, text, number)),
      failed,
    );
}

function es(): Call {
  const client = rpc(
    esMessages,
    protobufEs(RequestSchema, ResponseSchema),
    protobufEs(ResponseSchema, RequestSchema),
    ({ body }) => {
      const { message, nanotime } = body!;
      const value = create(EchoResponseSchema, { message, nanotime });
      return create(ResponseSchema, { kind: { case: "echo", value } });
    },
  );
  return (message, number, done) => {
    const body = create(EchoRequestSchema, { message, nanotime: BigInt(number) });
    client.unary(create(RequestSchema, { body })).then(
      ({ kind }) =>
        done(
          kind.case === "echo" && kind.value.message === message &&
            kind.value.nanotime === BigInt(number),
        ),
      failed,
    );
  };
}

/** Has the server wait for each answer. */
const awaited: ServerInterceptor = (next) => async (call) => await next(call);

function service(
  way: string,
  options?: typeof TIMEOUT,
  ...interceptors: ServerInterceptor[]
): Call {
  const { served, client, request } = echoService(way);
  const echo = client(inMemory([served], { interceptors }));
  return (text, number, done) =>
    echo.unary(request(text, number), options).then(
      ({ message, nanotime }) => done(message === text && Number(nanotime) === number),
      failed,
    );
}

const ways: Record<string, () => Call> = {
  "ts-proto": () => tsProto(),
  "ts-proto-timeout": () => tsProto(TIMEOUT),
  "ts-proto-service": () => service("--ts-proto"),
  "ts-proto-service-timeout": () => service("--ts-proto", TIMEOUT),
  "ts-proto-service-async": () => service("--ts-proto", undefined, awaited),
  "ts-proto-service-async-timeout": () => service("--ts-proto", TIMEOUT, awaited),
  "protobuf-es": es,
  "protobuf-es-service": () => service(""),
  "json-service": () => service("--json"),
};

function calls(call: Call): Promise<void> {
  return new Promise((resolve, reject) => {
    let [number, done] = [0, 0];
    const next = () => {
      const n = number++;
      call(`${n}`, n, (isEcho) => {
        if (!isEcho) reject(new Error(`${n} is not its echo`));
        else if (++done === CALLS) resolve();
        else if (number < CALLS) next();
      });
    };
    for (let i = 0; i < IN_FLIGHT; i++) next();
  });
}

const rows = Object.entries(ways).filter(([name]) => wanted.length === 0 || wanted.includes(name))
  .map(([name, make]) => ({ name, call: make(), best: Infinity }));
for (let round = 0; round < ROUNDS; round++) {
  for (const row of rows) {
    const before = process.cpuUsage();
    await calls(row.call);
    const { user, system } = process.cpuUsage(before);
    row.best = Math.min(row.best, (user + system) * 1000 / CALLS);
  }
}
console.log(columns([["", "CPU ns"], ...rows.map(({ name, best }) => [name, best.toFixed(0)])], 1));
