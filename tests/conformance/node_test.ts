import process from "node:process";
import { connect, listen } from "../../src/adapters/node.ts";
import { runtime } from "../support/runtime.ts";
import type { SocketGaps } from "./sockets.ts";
import { NO_UNIX_RESET, socketConformance } from "./suite.ts";

// This adapter is meant for Node, and is the fallback of the others.
const tcp: Record<typeof runtime, SocketGaps> = {
  node: process.versions.node.startsWith("20.") ? { reusePort: "Node has it from 23.1" } : {},
  deno: {
    crossing: "Deno's node:net fails the first write of an accepted socket with EPIPE then",
    listenHost: "Deno's node:net tells EINVAL for an address that is not this machine's",
  },
  bun: {
    backlog: "Bun cannot set it",
    listenHost: "Bun's node:net does not tell why it cannot listen on an unknown host",
  },
};

socketConformance({
  name: "node",
  connect,
  listen,
  gaps: {
    tcp: tcp[runtime],
    unix: { reset: NO_UNIX_RESET, backlog: tcp[runtime].backlog },
  },
});
