import type { SocketAddress } from "./socket_address.ts";

/** An error of each kind is logged at most this often, in milliseconds. */
const EVERY = 1000;
/** Kinds that are told apart: a peer must not be able to fill the memory with more of them. */
const MAX_KINDS = 100;

/** What an error is about, as far as that is known. */
export interface ErrorSubject {
  /** The other end's address. */
  readonly remoteAddress?: SocketAddress | undefined;
  /** The RPC's id on its connection. */
  readonly id?: number | bigint | undefined;
  /** The RPC's method. */
  readonly method?: string | undefined;
}

/**
 * The log of a server whose user did not say where its errors go: `console.error`, at most once a
 * second for each kind of error, so that a flood of them does not flood the log.
 */
export function errorLog(
  what: string,
  happened = "failed",
): (error: unknown, subject: ErrorSubject) => void {
  const kinds = new Map<string, { readonly at: number; more: number }>();
  return (error, { remoteAddress, id, method }) => {
    const kind = `${method} ${kindOf(error)}`;
    const now = performance.now();
    const latest = kinds.get(kind);
    if (latest !== undefined && now - latest.at < EVERY) {
      latest.more++;
      return;
    }
    if (kinds.size >= MAX_KINDS) kinds.clear();
    kinds.set(kind, { at: now, more: 0 });
    const named = [what, id, method && `of ${method}`].filter((part) => part !== undefined);
    const from = remoteAddress === undefined ? "" : ` from ${describe(remoteAddress)}`;
    const more = latest?.more ? ` (and ${latest.more} more like it before)` : "";
    console.error(`protosocket: ${named.join(" ")}${from} ${happened}${more}:`, error);
  };
}

/** The code of an error, or its name. */
function kindOf(error: unknown): string {
  try {
    const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
    return String(code ?? name);
  } catch {
    // Null, or something with getters that throw.
    return "a value";
  }
}

function describe(address: SocketAddress): string {
  if (address.transport === "unix") return address.path || "a Unix socket";
  const { hostname, port } = address;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
