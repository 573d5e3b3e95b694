import { ConnectionError, type TransportError } from "../errors.ts";

/** How often, in milliseconds, a server logs the same. */
const SAY_EVERY = 60_000;
/** Ends that need nobody's attention: clients come and go, and this end knows of its own aborts. */
const USUAL: readonly string[] = ["reset", "aborted", "closed"];

/** Says no more than once a minute, per code, so that a flood of connections does not flood the log. */
class Rarely {
  readonly #last = new Map<string, number>();

  /** Whether to say it now. */
  may(code: string): boolean {
    const now = performance.now();
    if (now - (this.#last.get(code) ?? -Infinity) < SAY_EVERY) return false;
    this.#last.set(code, now);
    return true;
  }
}

/** Logs which connections were refused. */
export function sayRefused(): (error: unknown) => void {
  const rarely = new Rarely();
  return (error) => {
    const full = error instanceof ConnectionError && error.code === "too-many-connections";
    if (full && !rarely.may(error.code)) return;
    console.error("protosocket: a connection was refused", error);
  };
}

/** Logs why connections failed. */
export function sayFailed(): (error: ConnectionError | TransportError) => void {
  const rarely = new Rarely();
  return (error) => {
    if (USUAL.includes(error.code) || !rarely.may(error.code)) return;
    console.error("protosocket: a connection failed", error);
  };
}
