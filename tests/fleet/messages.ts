// What the servers of a fleet and its load agree on.
import type { RpcMessages } from "@protosocket/protosocket/rpc";
import { type Plain, plainMessage } from "../../examples/support/plain_messages.ts";

/** A call with a number of its own that takes `ms` milliseconds. */
export type Request = Plain<{ number: number; ms: number }>;
/** The same number, and who has answered. */
export type Response = Plain<{ number: number; server: string }>;

export const messages: RpcMessages<Request, Response> = {
  request: plainMessage(),
  response: plainMessage(),
};

/** The number of a request that makes a server take `ms` longer for each call from now on. */
export const SLOWER = -1;
