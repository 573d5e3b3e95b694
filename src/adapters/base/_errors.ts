import type { TransportError, TransportErrorCode } from "../../errors.ts";
import { systemError } from "./_system_errors.ts";

/** Deno's error classes, for errors without a code; a URIError means an invalid host name. */
const NAMES: Record<string, TransportErrorCode> = {
  ConnectionRefused: "refused",
  ConnectionReset: "reset",
  ConnectionAborted: "reset",
  BrokenPipe: "reset",
  NotConnected: "reset",
  NetworkUnreachable: "unreachable",
  NotFound: "not-found",
  URIError: "not-found",
  AddrInUse: "address-in-use",
  AddrNotAvailable: "address-unavailable",
  PermissionDenied: "denied",
  NotCapable: "denied",
  TimedOut: "timed-out",
};

/** Converts the platform's error to a TransportError, as {@linkcode systemError} does. */
export function toTransportError(
  action: string,
  cause: unknown,
  otherwise?: TransportErrorCode,
): TransportError {
  return systemError(action, cause, NAMES[(cause as Error).name] ?? otherwise);
}
