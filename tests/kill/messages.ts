// What the killed server and its clients agree on: a request is a number of its own.
import type { RpcMessages } from "@protosocket/protosocket/rpc";
import { type Plain, plainMessage } from "../../examples/support/plain_messages.ts";

export type Request = Plain<number>;
export type Response = Plain<number>;

export const messages: RpcMessages<Request, Response> = {
  request: plainMessage(),
  response: plainMessage(),
};
