import { Deadlines } from "../../waits/deadlines.ts";
import type { ServerContext, ServiceConnection } from "../context.ts";

/** What calls tell of errors to. */
export type OnCallError = (error: unknown, context: ServerContext) => void;

/** A call that is told of its deadline. */
export interface Dated {
  /** Its deadline has passed. */
  onDeadline(): void;
}

/** What the calls of one connection have in common. */
export class ServedCalls {
  readonly connection: ServiceConnection;
  readonly onError: OnCallError;
  #deadlines: Deadlines<Dated> | undefined;

  constructor(connection: ServiceConnection, onError: OnCallError) {
    this.connection = connection;
    this.onError = onError;
  }

  /** Made by the first call of whose deadline somebody is to be told. */
  get deadlines(): Deadlines<Dated> {
    // What has passed has passed, whatever has arrived meanwhile.
    return this.#deadlines ??= new Deadlines((call) => call.onDeadline(), { afterPoll: false });
  }
}
