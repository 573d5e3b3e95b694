// The messages of both ends: requests for work that takes a number of milliseconds.
import type { RpcMessages } from "@protosocket/protosocket/rpc";
import { type Plain, plainMessage } from "../support/plain_messages.ts";

export type Request = Plain<{ milliseconds: number }>;
export type Response = Plain<{ done: string }>;

export const messages: RpcMessages<Request, Response> = {
  request: plainMessage(),
  response: plainMessage(),
};
