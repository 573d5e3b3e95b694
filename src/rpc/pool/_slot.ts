import type { RaceResult } from "./_connect_race.ts";
import type { Place } from "./endpoints/_place.ts";
import type { Member } from "./_member.ts";

/** A place for one connection at a time. */
export class Slot<Request, Response, Endpoint> {
  member: Member<Request, Response, Endpoint> | undefined;
  /** The pending connect, shared by all waiting calls. */
  connecting: Promise<RaceResult<Member<Request, Response, Endpoint>>> | undefined;
  /** The place that it connects to first. */
  target: Place<Endpoint> | undefined;
  /** How many calls wait for it. */
  waiting = 0;
  /** How many calls it gets, compared with other slots; see `Choice`. */
  weight = 1;

  /** Whether it is there for keys only. */
  readonly extra: boolean;

  constructor(extra = false) {
    this.extra = extra;
  }

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
