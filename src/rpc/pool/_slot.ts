import { type CloseReason, ConnectionError } from "../../../mod.ts";
import { MAX_DELAY } from "../../check.ts";
import { bounded } from "../_bounded.ts";
import type { RaceResult } from "./_connect_race.ts";
import type { Place } from "./_endpoints.ts";
import type { RpcClient } from "../client/client.ts";

/** A slot's client. */
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

/** A place for one connection at a time. */
export class Slot<Request, Response, Endpoint> {
  member: Member<Request, Response, Endpoint> | undefined;
  /** The pending connect, shared by all waiting calls. */
  connecting: Promise<RaceResult<Member<Request, Response, Endpoint>>> | undefined;
  /** How many calls wait for it. */
  waiting = 0;

  /** Its connection, if it can take calls. */
  get live(): Member<Request, Response, Endpoint> | undefined {
    return this.member?.client.isAlive ? this.member : undefined;
  }

  /** How busy it is. A server that refuses calls is not idle, however soon it does. */
  get load(): number {
    const { live } = this;
    return live ? live.client.inFlight + live.place.refusals : this.waiting;
  }
}

/** Takes a connection out of its endpoint's load: it is being ended, or has ended. */
export function retire(member: Omit<Member<unknown, unknown, unknown>, "client">): void {
  member.retired = true;
  if (member.counted) member.place.load--;
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
