/**
 * Typed services from what ts-proto (version 2) generates of a `.proto`: with
 * `outputServices=generic-definitions`, {@linkcode serviceOf}; for clients of its default services,
 * {@linkcode rpcFor}.
 *
 * @example
 * ```ts
 * import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
 * import { createClient, implement, inMemory } from "@protosocket/protosocket/services";
 * import { serviceOf } from "@protosocket/protosocket/services-ts-proto";
 *
 * // What ts-proto generates, in short; yours is imported.
 * type Line = { text: string };
 * const Line = {
 *   encode({ text }: Line, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
 *     return writer.uint32(10).string(text);
 *   },
 *   decode(input: BinaryReader | Uint8Array, length?: number): Line {
 *     const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
 *     const end = length === undefined ? reader.len : reader.pos + length;
 *     const message = { text: "" };
 *     while (reader.pos < end) {
 *       if (reader.uint32() === 10) message.text = reader.string();
 *     }
 *     return message;
 *   },
 * };
 * const WordsDefinition = {
 *   fullName: "example.Words",
 *   methods: {
 *     shout: {
 *       name: "Shout",
 *       requestType: Line,
 *       requestStream: false,
 *       responseType: Line,
 *       responseStream: false,
 *       options: {},
 *     },
 *   },
 * } as const;
 *
 * const Words = serviceOf(WordsDefinition);
 * const words = implement(Words, { shout: ({ text }) => ({ text: text.toUpperCase() }) });
 * const client = createClient(Words, inMemory([words])); // or a client or pool of connections
 * console.log((await client.shout({ text: "hello" })).text); // HELLO
 * ```
 *
 * @module
 */
import { isObject, shown, wrong } from "../check.ts";
import { type DecodeOptions, maxObjectsOf } from "../codecs/object_budget.ts";
import { SlabReader } from "../codecs/ts_proto/reader.ts";
import { SlabWriter } from "../codecs/ts_proto/writer.ts";
import type { TsProtoType } from "../codecs/ts_proto.ts";
import { createClient, type ServiceTransport } from "./client/client.ts";
import type { Client, ServiceClientOptions } from "./client/types.ts";
import {
  type Body,
  type DirectBody,
  Encoding,
  type MethodDefinition,
  type MethodKind,
  type ServiceDefinition,
} from "./definition.ts";

export type { DecodeOptions } from "../codecs/object_budget.ts";
export type { TsProtoReader, TsProtoType, TsProtoWriter } from "../codecs/ts_proto.ts";
export type { ServiceTransport } from "./client/client.ts";
export type { ServiceClientOptions } from "./client/types.ts";
export type { MethodDefinition, MethodKind, ServiceDefinition } from "./definition.ts";

/** What ts-proto generates of a service with `outputServices=generic-definitions`. */
export interface TsProtoService {
  /** The full name: `package.Service`. */
  readonly fullName: string;
  /** The methods. */
  readonly methods: { readonly [name: string]: TsProtoMethod };
}

/** What ts-proto generates of a method. */
export interface TsProtoMethod {
  /** Its name in the `.proto`. */
  readonly name: string;
  /** The type of its requests. */
  // deno-lint-ignore no-explicit-any
  readonly requestType: Pick<TsProtoType<any>, "encode" | "decode">;
  /** Whether its requests are a stream. */
  readonly requestStream: boolean;
  /** The type of its responses. */
  // deno-lint-ignore no-explicit-any
  readonly responseType: Pick<TsProtoType<any>, "encode" | "decode">;
  /** Whether its responses are a stream. */
  readonly responseStream: boolean;
  /** Its options. */
  readonly options: { readonly idempotencyLevel?: string };
}

/** The methods of a generated service, as definitions. */
export type TsProtoDefinitions<Methods extends { readonly [name: string]: TsProtoMethod }> = {
  readonly [Name in keyof Methods]: MethodDefinition<
    KindOf<Methods[Name]["requestStream"], Methods[Name]["responseStream"]>,
    MessageOf<Methods[Name]["requestType"]>,
    MessageOf<Methods[Name]["requestType"]>,
    MessageOf<Methods[Name]["responseType"]>,
    MessageOf<Methods[Name]["responseType"]>
  >;
};

/** The kind of a method, by whether its requests and responses are streams. */
export type KindOf<Requests extends boolean, Responses extends boolean> = Requests extends true
  ? Responses extends true ? "bidi_streaming" : "client_streaming"
  : Responses extends true ? "server_streaming"
  : "unary";

/** The messages of a generated type. */
// deno-lint-ignore no-explicit-any
export type MessageOf<Type> = Type extends { decode(...input: any[]): infer Message } ? Message
  : never;

/** The type of what {@linkcode serviceOf} makes: `ServiceOf<typeof Definition>`. */
export type ServiceOf<Service extends TsProtoService> = ServiceDefinition<
  TsProtoDefinitions<Service["methods"]>
>;

/**
 * Makes a service from a definition that ts-proto has generated. A method with an
 * `idempotency_level` may be retried by a pool.
 *
 * Inbound, a message may have `maxObjects` objects, as with the codec `tsProto`. Throws a
 * `RangeError` for a bad option.
 */
export function serviceOf<Service extends TsProtoService>(
  service: Service,
  options: DecodeOptions = {},
): ServiceOf<Service> {
  if (!isObject(service) || !isObject(service.methods) || typeof service.fullName !== "string") {
    const what = isObject(service) && "typeName" in service
      ? "what protoc-gen-es generated: that is for the serviceOf of ./services-protobuf-es"
      : shown(service);
    throw wrong(`service must be a definition that ts-proto generated, not ${what}`);
  }
  const maxObjects = maxObjectsOf(options);
  const bodyOf = (type: TsProtoMethod["requestType"]): Body<unknown, unknown> => ({
    encode: (message, out) => SlabWriter.idle().write(type, checkMessage(message), out),
    decode: (bytes, start, end) => SlabReader.idle(maxObjects).read(type, bytes, start, end),
    direct: DIRECT,
  });
  const methods: Record<string, MethodDefinition> = {};
  for (const [name, method] of Object.entries(service.methods)) {
    const { idempotencyLevel = "IDEMPOTENCY_UNKNOWN" } = method.options;
    methods[name] = {
      kind: kindOf(method.requestStream, method.responseStream),
      path: `${service.fullName}/${method.name}`,
      idempotent: idempotencyLevel !== "IDEMPOTENCY_UNKNOWN",
      encoding: Encoding.protobuf,
      request: bodyOf(method.requestType),
      response: bodyOf(method.responseType),
    };
  }
  return { name: service.fullName, methods: methods as TsProtoDefinitions<Service["methods"]> };
}

const DIRECT: DirectBody<unknown, unknown> = { give: checkMessage, take: (message) => message };

function checkMessage(message: unknown): object {
  if (!isObject(message)) throw wrong(`A message must be an object, not ${shown(message)}`);
  return message;
}

function kindOf(requests: boolean, responses: boolean): MethodKind {
  if (requests) return responses ? "bidi_streaming" : "client_streaming";
  return responses ? "server_streaming" : "unary";
}

/** The `Rpc` interface of ts-proto's generated clients, with `useAsyncIterable=true`. */
export interface TsProtoRpc {
  /** Makes a call with one response. */
  request(service: string, method: string, data: Uint8Array): Promise<Uint8Array>;
  /** Makes a call with a stream of requests. */
  clientStreamingRequest(
    service: string,
    method: string,
    data: AsyncIterable<Uint8Array>,
  ): Promise<Uint8Array>;
  /** Makes a call with a stream of responses. */
  serverStreamingRequest(
    service: string,
    method: string,
    data: Uint8Array,
  ): AsyncIterable<Uint8Array>;
  /** Makes a call with both. */
  bidirectionalStreamingRequest(
    service: string,
    method: string,
    data: AsyncIterable<Uint8Array>,
  ): AsyncIterable<Uint8Array>;
}

const BYTES: Body<Uint8Array, Uint8Array> = {
  encode: (bytes, out) => out.write(bytes),
  decode: (bytes, start, end) => bytes.subarray(start, end),
};

/**
 * Makes what the clients that ts-proto generates run on: `new PricesClientImpl(rpcFor(pool))`.
 * They have no options for each call, so give those of all.
 */
export function rpcFor(
  transport: ServiceTransport,
  options: ServiceClientOptions = {},
): TsProtoRpc {
  const clients = new Map<string, unknown>();
  const of = <Kind extends MethodKind>(service: string, method: string, kind: Kind) => {
    const path = `${service}/${method}`;
    const made = clients.get(path) ?? createClient(
      {
        name: service,
        methods: {
          call: {
            kind,
            path,
            idempotent: false,
            encoding: Encoding.protobuf,
            request: BYTES,
            response: BYTES,
          },
        },
      },
      transport,
      options,
    );
    clients.set(path, made);
    return (made as Client<
      ServiceDefinition<
        { call: MethodDefinition<Kind, Uint8Array, Uint8Array, Uint8Array, Uint8Array> }
      >
    >).call;
  };
  return {
    request: (service, method, data) => of(service, method, "unary")(data),
    clientStreamingRequest: (service, method, data) =>
      of(service, method, "client_streaming")(data),
    serverStreamingRequest: (service, method, data) =>
      of(service, method, "server_streaming")(data),
    bidirectionalStreamingRequest: (service, method, data) =>
      of(service, method, "bidi_streaming")(data),
  };
}
