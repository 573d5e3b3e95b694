// What a fleet's servers and its load agree on.
import type { RpcMessages } from "@protosocket/protosocket/rpc";
import { type Plain, plainMessage } from "../../examples/support/plain_messages.ts";

/** A call with a number of its own that takes `ms` milliseconds, or an item each `ms` for ever. */
export type Request = Plain<{ number: number; ms: number; stream?: boolean }>;
export type Response = Plain<number>;

export const messages: RpcMessages<Request, Response> = {
  request: plainMessage(),
  response: plainMessage(),
};

/** The number of a request that asks how many calls the server has begun. */
export const COUNT = -1;
/** The number of a request for a stream. */
export const STREAM = -2;
