import type { ConnectionError, TransportError } from "./errors.ts";

/**
 * How a connection ended.
 *
 * - `local`: this end closed it in order: `close()`, or a reactor returned `disconnect`.
 * - `peer`: the peer closed it in order; everything queued for it has been sent.
 * - `error`: it failed, with a {@linkcode ConnectionError} or a {@linkcode TransportError}.
 */
export type CloseReason =
  | { readonly kind: "local" }
  | { readonly kind: "peer" }
  | { readonly kind: "error"; readonly error: ConnectionError | TransportError };
