// The messages of the Worker and its WebSocket clients: lines of JSON.
import type { RpcMessages } from "@protosocket/protosocket/rpc";
import { type Plain, plainMessage } from "../support/plain_messages.ts";

/** Adds to the count; with `stream`, each number on the way is returned. */
export type Request = Plain<{ by: number; stream?: boolean }>;
/**
 * `total` is the count of all clients. `awake` is the number of RPCs since the object woke
 * up, which is only in its memory.
 */
export type Response = Plain<{ total: number; awake: number }>;

export const messages: RpcMessages<Request, Response> = {
  request: plainMessage(),
  response: plainMessage(),
};
