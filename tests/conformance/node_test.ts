import { connect, listen } from "../../src/adapters/node.ts";
import { runtime } from "../support/runtime.ts";
import { NET_GAPS } from "./net_gaps.ts";
import { NO_UNIX_RESET, socketConformance, UNIX_UNNOTICED } from "./suite.ts";

const UNNOTICED = "Deno's node:net does not tell an accepted socket with much that is unread";

// This adapter is meant for Node, and is the fallback of the others.
socketConformance({
  name: "node",
  connect,
  listen,
  gaps: {
    tcp: { ...NET_GAPS, unnoticed: runtime === "deno" ? UNNOTICED : undefined },
    unix: { reset: NO_UNIX_RESET, unnoticed: UNIX_UNNOTICED, backlog: NET_GAPS.backlog },
  },
});
