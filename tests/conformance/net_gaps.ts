import process from "node:process";
import { runtime } from "../support/runtime.ts";
import type { SocketGaps } from "./sockets.ts";

/** What each runtime's `node:net` cannot do over TCP. */
export const NET_GAPS: SocketGaps = {
  node: process.versions.node.startsWith("20.") ? { reusePort: "Node has it from 23.1" } : {},
  deno: {
    crossing: "Deno's node:net fails the first write of an accepted socket with EPIPE then",
    listenHost: "Deno's node:net tells EINVAL for an address that is not this machine's",
  },
  bun: {
    backlog: "Bun cannot set it",
    listenHost: "Bun's node:net does not tell why it cannot listen on an unknown host",
  },
}[runtime];
