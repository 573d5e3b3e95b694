import { errorLog, type ErrorSubject } from "../error_log.ts";
import { ConnectionError, TransportError } from "../errors.ts";

/** How often, in milliseconds, a server logs that it is full. */
const SAY_FULL_EVERY = 60_000;
/** Errors that are not logged by default. */
const EVERYDAY: readonly string[] = ["idle-timeout", "aborted"];

/** Logs why connections failed, unless that is nothing to act upon. */
export function sayFailed(): (error: ConnectionError | TransportError) => void {
  const log = errorLog("a connection");
  return (error) => {
    if (error instanceof TransportError || EVERYDAY.includes(error.code)) return;
    log(error, error);
  };
}

/** Logs what was refused, rate-limited so that a flood of connections does not flood the log. */
export function sayRefused(): (error: unknown, duplex: ErrorSubject) => void {
  const log = errorLog("a connection", "was refused");
  let last = -Infinity;
  return (error, { remoteAddress }) => {
    if (error instanceof ConnectionError && error.code === "too-many-connections") {
      const now = performance.now();
      if (now - last < SAY_FULL_EVERY) return;
      last = now;
    }
    log(error, { remoteAddress });
  };
}
