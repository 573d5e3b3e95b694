// What both ends agree on: how many primes are below a limit?
import type { RpcMessages } from "@protosocket/protosocket/rpc";
import { type Plain, plainMessage } from "../support/plain_messages.ts";

/** Asks for the primes below a limit; without a limit, whether anybody is there. */
export type Request = Plain<{ primesBelow?: number }>;
export type Response = Plain<{ primes?: number }>;

export const messages: RpcMessages<Request, Response> = {
  request: plainMessage(),
  response: plainMessage(),
};
