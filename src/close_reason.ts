import type { ConnectionError, TransportError } from "./errors.ts";

/**
 * How a connection ended.
 *
 * - `local`: by us, in order: `close()`, or a reactor that disconnected.
 * - `peer`: the other end finished, in order; what was queued for it has been sent.
 * - `error`: a {@linkcode ConnectionError} or a {@linkcode TransportError}.
 */
export type CloseReason =
  | { readonly kind: "local" }
  | { readonly kind: "peer" }
  | { readonly kind: "error"; readonly error: ConnectionError | TransportError };
