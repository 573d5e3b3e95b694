// A file of its own: a client in a page has no use for the names of Deno's errors.
import { TransportError, type TransportErrorCode } from "../../errors.ts";

/** The system's error codes, which all runtimes report as `error.code`. */
const CODES: Record<string, TransportErrorCode> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
  ENOTCONN: "reset",
  ECANCELED: "reset",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ENETDOWN: "unreachable",
  ENOENT: "not-found",
  ENOTFOUND: "not-found",
  EAI_AGAIN: "not-found",
  EAI_NODATA: "not-found",
  EAI_NONAME: "not-found",
  DNS_ENOTFOUND: "not-found",
  EADDRINUSE: "address-in-use",
  EADDRNOTAVAIL: "address-unavailable",
  EACCES: "denied",
  EPERM: "denied",
  ETIMEDOUT: "timed-out",
};

/**
 * Converts an error of the system to a TransportError. `action` begins its message, such as
 * "Cannot connect to …"; `otherwise` is the code if the system has none for the error.
 */
export function systemError(
  action: string,
  cause: unknown,
  otherwise: TransportErrorCode = "other",
): TransportError {
  if (cause instanceof TransportError) return cause;
  const { code, message } = cause as { code?: string; message?: string };
  const ours = CODES[code ?? ""] ??
    (message?.includes("failed to lookup address") ? "not-found" : otherwise);
  return new TransportError(ours, `${action}: ${message || code || String(cause)}`, { cause });
}
