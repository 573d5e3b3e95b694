// The messages of the program and its workers: how many primes are in a range?
import type { RpcMessages } from "@protosocket/protosocket/rpc";
import { type Plain, plainMessage } from "../support/plain_messages.ts";

/** Asks how many primes there are from one number to below another. */
export type Request = Plain<{ from: number; below: number }>;
/** How many there are, and which worker counted them. */
export type Response = Plain<{ primes: number; worker: number }>;

export const messages: RpcMessages<Request, Response> = {
  request: plainMessage(),
  response: plainMessage(),
};
