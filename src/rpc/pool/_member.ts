import { type CloseReason, ConnectionError } from "../../../mod.ts";
import { isObject, MAX_DELAY, shown, wrong } from "../../check.ts";
import { bounded } from "../../waits/bounded.ts";
import type { Place } from "./endpoints/_place.ts";
import type { RpcClient } from "../client/client.ts";

/** A connection of a pool: a client, and what is known of it. */
export interface Member<Request, Response, Endpoint> {
  readonly client: RpcClient<Request, Response>;
  readonly place: Place<Endpoint>;
  /** When it was connected. */
  readonly since: number;
  /** Whether it counts towards its endpoint's load. */
  counted: boolean;
  /** Whether it is being ended, by the pool or by its server. */
  retired: boolean;
  /** Whether a call has used it since the last sweep. */
  used: boolean;
  /** Whether it had no calls between the last two sweeps. */
  quiet: boolean;
}

type Counted = Omit<Member<unknown, unknown, unknown>, "client">;

/** Lets a connection's calls finish, and closes it then. */
export function leave<Request, Response>(member: Member<Request, Response, unknown>): void {
  retire(member);
  member.client.drain({ timeout: MAX_DELAY });
}

/** Ends the use of a connection, as the pool or its server wants. */
export function retire(member: Counted): void {
  member.retired = true;
  uncount(member);
}

/** Takes a connection that takes no more calls out of its endpoint's load. */
export function uncount(member: Counted): void {
  if (member.counted) {
    member.place.load--;
    member.place.open--;
  }
  member.counted = false;
}

/** Drains a client within `timeout`, even if it is already draining with a longer one. */
export async function drainWithin(
  client: Pick<RpcClient<unknown, unknown>, "drain" | "close">,
  timeout: number,
): Promise<void> {
  const drained = () => client.drain({ timeout: MAX_DELAY });
  await bounded(drained, { signals: [], timeout }).catch(() => client.close());
}

/** Whether this end chose to end the connection. */
export function endedHere(reason: CloseReason): boolean {
  if (reason.kind !== "error") return reason.kind === "local";
  return reason.error instanceof ConnectionError && reason.error.code === "aborted";
}

/** Checks that `connect` has made a client. */
export function checkClient(client: unknown): void {
  const { unary, readable } = isObject(client) ? client : {};
  if (typeof unary === "function") return;
  const what = readable === undefined ? shown(client) : "only the socket for one";
  throw wrong(`connect must make an RpcClient, not ${what}`);
}
