/**
 * Typed services over RPCs: a client calls methods by their names, a server answers each by a
 * function, and the compiler knows the messages of both. Calls have statuses, metadata, deadlines
 * and interceptors, and a stream of requests, of responses, or of both.
 *
 * A service comes from a `.proto`, by `./services-protobuf-es` or `./services-ts-proto`, or is defined
 * in TypeScript by {@linkcode defineService}. {@linkcode implement} joins it and its handlers, which
 * {@linkcode serveServices} serves. {@linkcode createClient} makes a client of it, for a connection of
 * {@linkcode serviceClient}, an `RpcPool` of these, or, in the same process, {@linkcode inMemory}.
 *
 * @example
 * ```ts
 * import { createClient, defineService, implement } from "@protosocket/protosocket/services";
 * import { serveServices, serviceClient } from "@protosocket/protosocket/services";
 * import { connect, listen } from "@protosocket/protosocket/sockets";
 * import { z } from "zod"; // or valibot, arktype …
 *
 * const Greeter = defineService("example.Greeter", {
 *   hello: { request: z.string(), response: z.string() },
 * });
 * const greeter = implement(Greeter, { hello: (name) => `hello, ${name}` });
 * await using server = serveServices(await listen({ port: 0 }), { services: [greeter] });
 *
 * await using connection = serviceClient(await connect(server.address));
 * console.log(await createClient(Greeter, connection).hello("world")); // hello, world
 * ```
 *
 * @module
 */
export {
  type Body,
  type DirectBody,
  Encoding,
  type MethodDefinition,
  type MethodKind,
  type ServiceDefinition,
} from "./definition.ts";
export {
  type Detail,
  ServiceError,
  type ServiceErrorCode,
  type ServiceErrorOptions,
  STATUS_CODES,
} from "./status.ts";
export {
  DEFAULT_MAX_METADATA_BYTES,
  DEFAULT_MAX_METADATA_ENTRIES,
  Metadata,
  type MetadataInit,
  type MetadataValue,
} from "./metadata.ts";
export type { Peer, ServerContext, ServiceConnection, ServiceContext } from "./context.ts";
export {
  type Handler,
  type Handlers,
  implement,
  type Implementation,
  type MethodHandler,
} from "./handlers.ts";
export type {
  ClientInterceptor,
  InterceptedCall,
  Interceptor,
  Next,
  ServerInterceptor,
} from "./interceptor.ts";
export type {
  Client,
  ClientMethod,
  ServiceCallOptions,
  ServiceClientOptions,
} from "./client/types.ts";
export { createClient, type ServiceTransport } from "./client/client.ts";
export { serviceClient, type ServiceConnectionOptions } from "./client/service_client.ts";
export type {
  Entries,
  ServiceRequest,
  ServiceResponse,
  WireMethod,
  WireStatus,
} from "./envelope/messages.ts";
export type { MetadataOptions } from "./metadata_options.ts";
export {
  serveServices,
  type ServeServicesOptions,
  type ServiceConnector,
  serviceConnector,
  type ServiceServerOptions,
  type ServicesOptions,
} from "./server/server.ts";
export {
  Health,
  health,
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthImplementation,
  type HealthService,
  type ServingStatus,
} from "./health.ts";
export { inMemory, type InMemoryOptions, type InMemoryServices } from "./in_memory.ts";
export {
  defineService,
  type DefineServiceOptions,
  type InputOf,
  type OutputOf,
  type PlainDefinitions,
  type PlainMethod,
} from "./schema/define_service.ts";
export { jsonEncoding, type ValueEncoding } from "./schema/encodings.ts";
export { messagePackEncoding } from "./schema/messagepack_encoding.ts";
export type { StandardIssue, StandardResult, StandardSchema } from "./schema/standard_schema.ts";
