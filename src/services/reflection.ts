import { type DescFile, type DescMessage, type DescService, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { isObject, shown, wrong } from "../check.ts";
import {
  type Body,
  Encoding,
  type MethodDefinition,
  type ServiceDefinition,
} from "./definition.ts";
import { implement, type Implementation } from "./handlers.ts";
import { STATUS_CODES } from "./status.ts";

/** What a client of `grpc.reflection.v1.ServerReflection` asks. */
export interface ReflectionRequest {
  /** The files with that name, or with that symbol, or the names of the services. */
  readonly kind: "file" | "symbol" | "services" | "other";
  /** The name. */
  readonly name: string;
  /** The request as it came, which the answer repeats. */
  readonly original?: Uint8Array;
}

/** What the server answers. */
export interface ReflectionResponse {
  /** The request that is answered, as it came. */
  readonly original?: Uint8Array;
  /** `FileDescriptorProto`s, encoded. */
  readonly files?: readonly Uint8Array[];
  /** The names of the services. */
  readonly services?: readonly string[];
  /** Why there is no answer. */
  readonly error?: { readonly code: number; readonly message: string };
}

/** The fields of the request that are understood. */
const KINDS: Readonly<Record<number, ReflectionRequest["kind"]>> = {
  3: "file",
  4: "symbol",
  7: "services",
};

const REQUEST: Body<ReflectionRequest, ReflectionRequest> = {
  encode({ kind, name }, out) {
    const field = { file: 3, symbol: 4, services: 7, other: 6 }[kind];
    out.write(new BinaryWriter().tag(field, WireType.LengthDelimited).string(name).finish());
  },
  decode(bytes, start, end) {
    const original = bytes.slice(start, end);
    const reader = new BinaryReader(original);
    let request: ReflectionRequest = { kind: "other", name: "", original };
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      const kind = KINDS[field];
      if (kind === undefined) reader.skip(type, field);
      else request = { kind, name: reader.string(), original };
    }
    return request;
  },
};

const RESPONSE: Body<ReflectionResponse, ReflectionResponse> = {
  encode({ original, files, services, error }, out) {
    const writer = new BinaryWriter();
    if (original) writer.tag(2, WireType.LengthDelimited).bytes(original);
    if (files) {
      writer.tag(4, WireType.LengthDelimited).fork();
      for (const file of files) writer.tag(1, WireType.LengthDelimited).bytes(file);
      writer.join();
    }
    if (services) {
      writer.tag(6, WireType.LengthDelimited).fork();
      for (const name of services) {
        writer.tag(1, WireType.LengthDelimited).fork();
        writer.tag(1, WireType.LengthDelimited).string(name).join();
      }
      writer.join();
    }
    if (error) {
      writer.tag(7, WireType.LengthDelimited).fork();
      writer.tag(1, WireType.Varint).int32(error.code);
      writer.tag(2, WireType.LengthDelimited).string(error.message).join();
    }
    out.write(writer.finish());
  },
  decode(bytes, start, end) {
    const reader = new BinaryReader(bytes.slice(start, end));
    let response: ReflectionResponse = {};
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === 2) response = { ...response, original: reader.bytes() };
      else if (field === 4) response = { ...response, files: parts(reader) };
      else if (field === 6) {
        const services = parts(reader).map((part) => nameOf(part));
        response = { ...response, services };
      } else if (field === 7) response = { ...response, error: errorOf(reader.bytes()) };
      else reader.skip(type, field);
    }
    return response;
  },
};

/** The fields of number 1 within a message. */
function parts(reader: BinaryReader): Uint8Array[] {
  const inner = new BinaryReader(reader.bytes());
  const found: Uint8Array[] = [];
  while (inner.pos < inner.len) {
    const [field, type] = inner.tag();
    if (field === 1) found.push(inner.bytes());
    else inner.skip(type, field);
  }
  return found;
}

function nameOf(bytes: Uint8Array): string {
  const reader = new BinaryReader(bytes);
  let name = "";
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) name = reader.string();
    else reader.skip(type, field);
  }
  return name;
}

function errorOf(bytes: Uint8Array): { code: number; message: string } {
  const reader = new BinaryReader(bytes);
  const error = { code: 0, message: "" };
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) error.code = reader.int32();
    else if (field === 2) error.message = reader.string();
    else reader.skip(type, field);
  }
  return error;
}

/** The type of {@linkcode ServerReflection}. */
export type ReflectionService = ServiceDefinition<{
  /** Answers each request with the files, or the names, that it asks for. */
  readonly serverReflectionInfo: MethodDefinition<
    "bidi_streaming",
    ReflectionRequest,
    ReflectionRequest,
    ReflectionResponse,
    ReflectionResponse
  >;
}>;

/** The service `grpc.reflection.v1.ServerReflection`, for `createClient`. */
export const ServerReflection: ReflectionService = {
  name: "grpc.reflection.v1.ServerReflection",
  methods: {
    serverReflectionInfo: {
      kind: "bidi_streaming",
      path: "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      idempotent: false,
      encoding: Encoding.protobuf,
      request: REQUEST,
      response: RESPONSE,
    },
  },
};

/**
 * Makes the service `grpc.reflection.v1.ServerReflection` for services that protoc-gen-es has
 * generated: it tells clients which services there are, and hands out their `.proto` files. Of its
 * requests it answers those by file name, by symbol, and for the list of services. Throws a
 * `TypeError` for what is no such service.
 *
 * @example
 * ```ts
 * import { createClient, inMemory } from "@protosocket/protosocket/services";
 * import { reflection, ServerReflection } from "@protosocket/protosocket/services-protobuf-es";
 *
 * const server = inMemory([reflection([])]); // the services that protoc-gen-es has generated
 * const { serverReflectionInfo } = createClient(ServerReflection, server);
 * for await (const { services } of serverReflectionInfo([{ kind: "services", name: "" }])) {
 *   console.log(services?.length); // 0
 * }
 * ```
 */
export function reflection(services: readonly DescService[]): Implementation {
  checkServices(services);
  const files = new Map<string, DescFile>();
  const symbols = new Map<string, DescFile>();
  for (const { file } of services) addFile(file, files, symbols);
  const names = services.map(({ typeName }) => typeName);

  function answer({ kind, name, original }: ReflectionRequest): ReflectionResponse {
    const about = original === undefined ? {} : { original };
    if (kind === "services") return { ...about, services: names };
    if (kind === "other") {
      const code = STATUS_CODES["unimplemented"];
      return { ...about, error: { code, message: "Such requests are not answered" } };
    }
    const file = kind === "file" ? files.get(name) : symbols.get(name);
    if (file === undefined) {
      const code = STATUS_CODES["not-found"];
      return { ...about, error: { code, message: `There is no ${kind} ${name}` } };
    }
    return { ...about, files: withDependencies(file).map(encoded) };
  }

  return implement(ServerReflection, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) yield answer(request);
    },
  });
}

function addFile(
  file: DescFile,
  files: Map<string, DescFile>,
  symbols: Map<string, DescFile>,
): void {
  const name = `${file.name}.proto`;
  if (files.has(name)) return;
  files.set(name, file);
  for (const service of file.services) {
    symbols.set(service.typeName, file);
    for (const method of service.methods) symbols.set(`${service.typeName}.${method.name}`, file);
  }
  for (const { typeName } of [...file.enums, ...file.extensions]) symbols.set(typeName, file);
  const addMessage = (message: DescMessage): void => {
    symbols.set(message.typeName, file);
    for (const { typeName } of message.nestedEnums) symbols.set(typeName, file);
    message.nestedMessages.forEach(addMessage);
  };
  file.messages.forEach(addMessage);
  for (const dependency of file.dependencies) addFile(dependency, files, symbols);
}

/** A file and all that it imports, each once. */
function withDependencies(file: DescFile, found: Set<DescFile> = new Set()): DescFile[] {
  if (!found.has(file)) {
    found.add(file);
    for (const dependency of file.dependencies) withDependencies(dependency, found);
  }
  return [...found];
}

function encoded(file: DescFile): Uint8Array {
  return toBinary(FileDescriptorProtoSchema, file.proto);
}

function checkServices(services: unknown): void {
  if (!Array.isArray(services)) {
    throw wrong(`services must be an array, not ${shown(services)}`);
  }
  services.forEach((service, i) => {
    if (isObject(service) && isObject(service.file)) return;
    throw wrong(`services[${i}] must be what protoc-gen-es generated, not ${shown(service)}`);
  });
}
