// The echo as a service. An argument says in which of the ways to define one: messages of
// protobuf-es, unless it is --ts-proto or --json.
import process from "node:process";
import {
  createClient,
  defineService,
  implement,
  type Implementation,
  type ServiceTransport,
  type StandardSchema,
} from "@protosocket/protosocket/services";
import { serviceOf } from "@protosocket/protosocket/services-protobuf-es";
import { serviceOf as tsProtoServiceOf } from "@protosocket/protosocket/services-ts-proto";
import { EchoDefinition } from "../../proto/gen/echo_service.ts";
import { Echo as EchoDesc } from "../../proto/gen/echo_service_pb.ts";

/** A message, whatever it is encoded in. */
export interface Message {
  readonly message: string;
  readonly nanotime: number | bigint;
}

export interface Item extends Message {
  readonly sequence: number | bigint;
}

/** The methods as the client calls them. */
export interface EchoClient {
  unary(request: Message, options?: { readonly timeout: number }): Promise<Message>;
  items(request: Message): AsyncIterable<Item>;
  chat(requests: Iterable<Message>): AsyncIterable<Message>;
}

/** The echo in one encoding. */
export interface EchoService {
  readonly served: Implementation;
  client(transport: ServiceTransport): EchoClient;
  /** Makes a request. */
  request(message: string, number: number): Message;
}

/** As many items as the message says, of as many bytes as nanotime says. */
function* itemsOf<T>({ message, nanotime }: Message, item: (text: string, sequence: number) => T) {
  const text = "x".repeat(Number(nanotime));
  for (let sequence = 0; sequence < Number(message); sequence++) yield item(text, sequence);
}

function es(): EchoService {
  const Echo = serviceOf(EchoDesc);
  // Not made by create(), as most programs would write it.
  const answer = ({ message, nanotime }: { message: string; nanotime: bigint }) => ({
    message,
    nanotime,
  });
  const served = implement(Echo, {
    unary: answer,
    items: (request) =>
      itemsOf(request, (message, sequence) => ({ message, sequence: BigInt(sequence) })),
    async *chat(requests) {
      for await (const request of requests) yield answer(request);
    },
  });
  return {
    served,
    client: (transport) => createClient(Echo, transport) as unknown as EchoClient,
    request: (message, number) => ({ message, nanotime: BigInt(number) }),
  };
}

function tsProto(): EchoService {
  const Echo = tsProtoServiceOf(EchoDefinition);
  const served = implement(Echo, {
    unary: (request) => request,
    items: (request) =>
      itemsOf(request, (message, sequence) => ({
        message,
        nanotime: 0n,
        sequence: BigInt(sequence),
      })),
    async *chat(requests) {
      for await (const request of requests) yield request;
    },
  });
  return {
    served,
    client: (transport) => createClient(Echo, transport) as unknown as EchoClient,
    request: (message, number) => ({ message, nanotime: BigInt(number) }),
  };
}

/** A validator by hand, so that what is measured is not a library's. */
function schema<T>(isValid: (value: T) => boolean): StandardSchema<T> {
  return {
    "~standard": {
      version: 1,
      vendor: "bench",
      validate: (value) =>
        isValid(value as T) ? { value: value as T } : { issues: [{ message: "not valid" }] },
    },
  };
}

function json(): EchoService {
  const message = schema<{ message: string; nanotime: number }>((value) =>
    typeof value.message === "string" && typeof value.nanotime === "number"
  );
  const item = schema<{ message: string; nanotime: number; sequence: number }>((value) =>
    typeof value.message === "string" && typeof value.sequence === "number"
  );
  const Echo = defineService("protosocket.bench.v1.Echo", {
    unary: { request: message, response: message },
    items: { kind: "server_streaming", request: message, response: item },
    chat: { kind: "bidi_streaming", request: message, response: message },
  });
  const served = implement(Echo, {
    unary: (request) => request,
    items: (request) =>
      itemsOf(request, (message, sequence) => ({ message, nanotime: 0, sequence })),
    async *chat(requests) {
      for await (const request of requests) yield request;
    },
  });
  return {
    served,
    client: (transport) => createClient(Echo, transport) as unknown as EchoClient,
    request: (message, nanotime) => ({ message, nanotime }),
  };
}

const ways: Readonly<Record<string, () => EchoService>> = { "--ts-proto": tsProto, "--json": json };

/** The one of that way, or the one that the program's arguments say. */
export function echoService(
  way: string = process.argv.find((argument) => argument in ways) ?? "",
): EchoService {
  return (ways[way] ?? es)();
}
