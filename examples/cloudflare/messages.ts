// What the worker and its WebSocket clients agree on: JSON lines.
import type { RpcMessages } from "@protosocket/protosocket/rpc";
import { type Plain, plainMessage } from "../support/plain_messages.ts";

/** Counts up by so many; `stream` asks for each number on the way. */
export type Request = Plain<{ by: number; stream?: boolean }>;
/**
 * `total` is what all clients have counted. `awake` is how many rpcs there were since the
 * object woke up: that was in its memory only.
 */
export type Response = Plain<{ total: number; awake: number }>;

export const messages: RpcMessages<Request, Response> = {
  request: plainMessage(),
  response: plainMessage(),
};
