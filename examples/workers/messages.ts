// What the program and its workers agree on: how many primes are below a limit?
import type { RpcMessages } from "@protosocket/protosocket/rpc";
import { type Plain, plainMessage } from "../support/plain_messages.ts";

/** Asks for the primes from a number on and below another. */
export type Request = Plain<{ from: number; below: number }>;
/** How many there are, and which worker has counted them. */
export type Response = Plain<{ primes: number; worker: number }>;

export const messages: RpcMessages<Request, Response> = {
  request: plainMessage(),
  response: plainMessage(),
};
