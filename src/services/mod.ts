/**
 * Typed services.
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
