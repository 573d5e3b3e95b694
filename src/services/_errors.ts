import { wrong } from "../check.ts";
import { RpcError } from "../rpc/mod.ts";
import {
  type Entries,
  type ServiceResponse,
  TOO_MUCH,
  type WireStatus,
} from "./envelope/messages.ts";
import { Metadata } from "./metadata.ts";
import { codeName, detailsOf, ServiceError, type ServiceErrorCode } from "./status.ts";

/** Makes the metadata that a peer has sent. */
export function received(entries: Entries | undefined): Metadata {
  const metadata = new Metadata();
  if (entries !== undefined) Metadata.fill(metadata, entries);
  return metadata;
}

/** Whether a response has more metadata than it may have. */
export function isTooMuch({ metadata, trailers }: ServiceResponse): boolean {
  return metadata === TOO_MUCH || trailers === TOO_MUCH;
}

/** The error of a response whose status says that the call has failed. */
export function statusError(response: ServiceResponse): ServiceError {
  const { code, message, details } = response.status!;
  const { trailers } = response;
  return new ServiceError(codeName(code), message, {
    details,
    ...(trailers !== undefined && { metadata: received(trailers) }),
    ...(response.unbegun && { begun: false }),
  });
}

/** The status that says what an error says. Throws if somebody has changed that to what is none. */
export function statusOf(error: ServiceError): WireStatus {
  const { number } = error;
  if (typeof number !== "number") throw wrong(`A ServiceError has the code ${error.code}`);
  return { code: number, message: String(error.message), details: detailsOf(error.details) };
}

/** An error of the RPC layer as one of services; others stay as they are. */
export function serviceError(error: unknown): unknown {
  if (!(error instanceof RpcError)) return error;
  if (error.code === "cancelled" && error.cause instanceof ServiceError) return error.cause;
  const begun = error.sent === false || error.code === "encode-failed" ? false : undefined;
  return new ServiceError(CODES[error.code], error.message, { cause: error, begun });
}

const CODES: Record<RpcError["code"], ServiceErrorCode> = {
  "cancelled": "cancelled",
  "answer-mismatch": "unimplemented",
  "connection-closed": "unavailable",
  "deadline-exceeded": "deadline-exceeded",
  "encode-failed": "invalid-argument",
  "stream-overflow": "resource-exhausted",
  "unsupported": "unimplemented",
  "unavailable": "unavailable",
};

/** The error of a validator that does not do: the fault of the program, not of its peer. */
export class BadValidator extends TypeError {}

/** The error of a message that does not parse, or that a validator refuses. */
export function unreadable(what: string, cause: unknown, code: ServiceErrorCode): Error {
  // What is thrown as it is becomes `internal`, and `onError` is told.
  if (cause instanceof BadValidator && code === "invalid-argument") return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ServiceError(code, `${what} is not valid: ${why.slice(0, 300)}`, { cause });
}

/** The error of a call of that method whose deadline has passed. */
export function tooLate(path: string): ServiceError {
  return new ServiceError("deadline-exceeded", `The deadline of a call of ${path} has passed`);
}
