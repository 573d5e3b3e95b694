// The messages of both ends: how many primes are below a limit?
import type { RpcMessages } from "@protosocket/protosocket/rpc";
import { type Plain, plainMessage } from "../support/plain_messages.ts";

/** Asks how many primes are below a limit; without a limit, it is a ping. */
export type Request = Plain<{ primesBelow?: number }>;
export type Response = Plain<{ primes?: number }>;

export const messages: RpcMessages<Request, Response> = {
  request: plainMessage(),
  response: plainMessage(),
};
