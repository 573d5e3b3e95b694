import { integer, shown, wrong } from "../../check.ts";
import { TransportError } from "../../errors.ts";

/** How the operating system probes a silent peer (SO_KEEPALIVE). */
export interface KeepAliveOptions {
  /**
   * Milliseconds of silence before the first probe (TCP_KEEPIDLE), of which whole seconds count.
   * From 1,000 to 32,767,000. Not with the sockets of `Deno.connect` and `Deno.listen`.
   *
   * @default {undefined} the system's, often two hours
   */
  readonly idle?: number;
  /**
   * Milliseconds between two probes (TCP_KEEPINTVL), of which whole seconds count. From 1,000 to
   * 32,767,000. On Node 24 and later only, and together with `idle`.
   *
   * @default {undefined} 1 s on Node and Bun if there is an `idle`, otherwise the system's
   */
  readonly interval?: number;
  /**
   * How many probes without an answer end the connection (TCP_KEEPCNT). From 1 to 127. On Node 24
   * and later only, and together with `idle`.
   *
   * @default {undefined} 10 on Node and Bun if there is an `idle`, otherwise the system's
   */
  readonly count?: number;
}

const NAMES = ["idle", "interval", "count"] as const;
const MAX_MS = 32_767_000;

/**
 * Checks the option `keepAlive`; `undefined` stands for `false`. `can` has what the runtime can
 * set: anything else is refused with the code `unsupported`. Throws a `TypeError` or a
 * `RangeError` for what no runtime could.
 */
export function checkKeepAlive(
  keepAlive: unknown,
  can: readonly (keyof KeepAliveOptions)[],
): KeepAliveOptions | undefined {
  if (keepAlive === undefined || typeof keepAlive === "boolean") return keepAlive ? {} : undefined;
  if (typeof keepAlive !== "object" || keepAlive === null || Array.isArray(keepAlive)) {
    throw wrong(`keepAlive must be true, false or an object with options, not ${shown(keepAlive)}`);
  }
  const strange = Object.keys(keepAlive).find((name) => !NAMES.includes(name as "idle"));
  if (strange !== undefined) {
    throw wrong(`keepAlive has no option ${strange}; there are: ${NAMES.join(", ")}`);
  }
  const options: KeepAliveOptions = keepAlive;
  for (const name of NAMES) {
    if (options[name] === undefined) continue;
    if (name === "count") integer("keepAlive.count", options.count, 1, 127);
    else integer(`keepAlive.${name}`, options[name], 1000, MAX_MS);
  }
  for (const name of NAMES) {
    if (options[name] === undefined || can.includes(name)) continue;
    throw new TransportError("unsupported", `This runtime has no way to set keepAlive.${name}`);
  }
  if (options.idle === undefined && (options.interval ?? options.count) !== undefined) {
    throw wrong("keepAlive.interval and keepAlive.count need keepAlive.idle");
  }
  return options;
}
