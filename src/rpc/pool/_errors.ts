import { TransportError } from "../../../mod.ts";
import { isMistake } from "../../check.ts";
import { reasonOf } from "../../reason.ts";
import { GOING_AWAY } from "../_flow.ts";
import { RpcError } from "../errors.ts";

/** The error for a call without a connection, as none could be made, nor will be before `nextAt`. */
export function unavailable(cause: unknown, nextAt: number): Error {
  if (isMistake(cause)) return cause;
  const wait = Math.max(0, Math.ceil(nextAt - performance.now()));
  const why = reasonOf(cause);
  const message = `No connection, and no endpoint to try for ${wait} ms. The last try: ${why}`;
  return new RpcError("unavailable", message, { cause, sent: false });
}

/** The error for a call that may not even wait. */
export function tooMany(maxWaitingCalls: number): RpcError {
  const message = `maxWaitingCalls, ${maxWaitingCalls}, are waiting for a connection`;
  return new RpcError("unavailable", message, { sent: false });
}

/** The error for a call on a pool that is closed or draining. */
export function poolClosed(): RpcError {
  return new RpcError("connection-closed", "Cannot call: the pool is closed", { sent: false });
}

/** The error for an endpoint that is about to end its connections. */
export function leaving(): TransportError {
  return new TransportError("closed", GOING_AWAY);
}

/** The error for an endpoint whose connection is of no use. */
export function endedAtOnce(): TransportError {
  return new TransportError("reset", "The connection ended as soon as it was made");
}
