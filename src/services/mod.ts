/**
 * Typed services.
 *
 * @module
 */
export {
  type Body,
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
export type {
  Peer,
  PeerCertificate,
  PeerRequest,
  ServerContext,
  ServiceConnection,
  ServiceContext,
} from "./context.ts";
export { type Handler, type Handlers, implement, type Implementation } from "./handlers.ts";
export type { InterceptedCall, Interceptor, Next } from "./interceptor.ts";
export type {
  Client,
  ClientMethod,
  ServiceCallOptions,
  ServiceClientOptions,
} from "./client_types.ts";
