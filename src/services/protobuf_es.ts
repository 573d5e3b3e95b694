/**
 * Typed services from what protoc-gen-es (`@bufbuild/protobuf` version 2) generates of a `.proto`.
 *
 * @example
 * ```ts
 * import { serviceDesc, fileDesc, type GenService } from "@bufbuild/protobuf/codegenv2";
 * import {
 *   file_google_protobuf_wrappers,
 *   type StringValueSchema,
 *   type UInt32ValueSchema,
 * } from "@bufbuild/protobuf/wkt";
 * import { createClient, implement, inMemory } from "@protosocket/protosocket/services";
 * import { serviceOf } from "@protosocket/protosocket/services-protobuf-es";
 *
 * // What protoc-gen-es generates, in short; yours is imported.
 * const Words: GenService<{
 *   count: {
 *     methodKind: "unary";
 *     input: typeof StringValueSchema;
 *     output: typeof UInt32ValueSchema;
 *   };
 * }> = serviceDesc(
 *   fileDesc(
 *     "Cgt3b3Jkcy5wcm90bxIHZXhhbXBsZTJMCgVXb3JkcxJDCgVDb3VudBIcLmdvb2dsZS5wcm90b2J1Zi5TdHJpbmdWYWx1Z" +
 *       "RocLmdvb2dsZS5wcm90b2J1Zi5VSW50MzJWYWx1ZWIGcHJvdG8z",
 *     [file_google_protobuf_wrappers],
 *   ),
 *   0,
 * );
 *
 * const service = serviceOf(Words);
 * const words = implement(service, { count: ({ value }) => ({ value: value.split(" ").length }) });
 * const client = createClient(service, inMemory([words])); // or a client or pool of connections
 * console.log((await client.count({ value: "to be or not" })).value); // 4
 * ```
 *
 * @module
 */
import {
  create,
  type DescMessage,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { isObject, shown, wrong } from "../check.ts";
import { type DecodeOptions, maxObjectsOf } from "../codecs/object_budget.ts";
import { decoder, initEncoder } from "../codecs/protobuf/body.ts";
import {
  type Body,
  Encoding,
  type MethodDefinition,
  type MethodKind,
  type ServiceDefinition,
} from "./definition.ts";

export type { DescMessage, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
export type { DecodeOptions } from "../codecs/object_budget.ts";
export type { MethodDefinition, MethodKind, ServiceDefinition } from "./definition.ts";
export type { Implementation } from "./handlers.ts";
export {
  reflection,
  type ReflectionRequest,
  type ReflectionResponse,
  type ReflectionService,
  ServerReflection,
} from "./reflection.ts";

/** What a generated service says of its methods; `GenService` has it as its parameter. */
export type ProtobufMethods = {
  readonly [name: string]: {
    readonly methodKind: MethodKind;
    readonly input: DescMessage;
    readonly output: DescMessage;
  };
};

/** A generated service: `GenService`. */
export type ProtobufService<Methods extends ProtobufMethods> = Omit<DescService, "method"> & {
  readonly method: { readonly [Name in keyof Methods]: Methods[Name] };
};

/** The methods of a generated service, as definitions. */
export type ProtobufDefinitions<Methods extends ProtobufMethods> = {
  readonly [Name in keyof Methods]: MethodDefinition<
    Methods[Name]["methodKind"],
    MessageInitShape<Methods[Name]["input"]>,
    MessageShape<Methods[Name]["input"]>,
    MessageInitShape<Methods[Name]["output"]>,
    MessageShape<Methods[Name]["output"]>
  >;
};

/** The type of what {@linkcode serviceOf} makes of a generated service: `ServiceOf<typeof Desc>`. */
export type ServiceOf<Service> = Service extends ProtobufService<infer Methods>
  ? ServiceDefinition<ProtobufDefinitions<Methods>>
  : never;

/**
 * Makes a service from one that protoc-gen-es has generated. Messages may be given as `create()`
 * makes them, or as what it makes them from, which takes the least time: they are not made then. A
 * method with an `idempotency_level` may be retried by a pool.
 *
 * Inbound, a message may have `maxObjects` objects, so that small messages do not take a lot of
 * memory. Throws a `RangeError` for a bad option.
 */
export function serviceOf<Methods extends ProtobufMethods>(
  service: ProtobufService<Methods>,
  options: DecodeOptions = {},
): ServiceDefinition<ProtobufDefinitions<Methods>> {
  const maxObjects = maxObjectsOf(options);
  if (!isObject(service) || service.kind !== "service") {
    const what = isObject(service) && "fullName" in service
      ? "what ts-proto generated: that is for the serviceOf of ./services-ts-proto"
      : shown(service);
    throw wrong(`service must be a service that protoc-gen-es generated, not ${what}`);
  }
  const { typeName } = service;
  const methods: Record<string, MethodDefinition> = {};
  for (const method of (service as unknown as DescService).methods) {
    methods[method.localName] = {
      kind: method.methodKind,
      path: `${typeName}/${method.name}`,
      idempotent: method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN,
      encoding: Encoding.protobuf,
      request: bodyOf(method.input, maxObjects),
      response: bodyOf(method.output, maxObjects),
    };
  }
  return { name: typeName, methods: methods as ProtobufDefinitions<Methods> };
}

function bodyOf<Desc extends DescMessage>(
  schema: Desc,
  maxObjects: number,
): Body<MessageInitShape<Desc>, MessageShape<Desc>> {
  const { typeName } = schema;
  const encode = initEncoder(schema);
  const checked = (message: MessageInitShape<Desc>) => {
    if (isObject(message)) {
      if (message.$typeName === typeName) return message;
      // An array, or what a generator returns, would pass for a message without fields.
      if (message.$typeName === undefined && !isIterable(message)) return message;
    }
    throw wrong(`A ${typeName} must be an object, not ${given(message)}`);
  };
  return {
    encode: (message, out) => encode(checked(message), out),
    decode: decoder(schema, maxObjects),
    direct: {
      give: (message) => create(schema, checked(message)),
      take: (message) => message as MessageShape<Desc>,
    },
  };
}

function isIterable(value: Readonly<Record<string | symbol, unknown>>): boolean {
  return value[Symbol.iterator] !== undefined || value[Symbol.asyncIterator] !== undefined;
}

/** What has been given for a message. */
function given(message: unknown): string {
  if (!isObject(message) || Array.isArray(message)) return shown(message);
  return message.$typeName === undefined ? "an iterable" : `a ${message.$typeName}`;
}
