import { connect, listen } from "../../src/adapters/node.ts";
import { NET_GAPS } from "./net_gaps.ts";
import { NO_UNIX_RESET, socketConformance, UNIX_UNNOTICED } from "./suite.ts";

// This adapter is meant for Node, and is the fallback of the others.
socketConformance({
  name: "node",
  connect,
  listen,
  gaps: {
    tcp: NET_GAPS,
    unix: { reset: NO_UNIX_RESET, unnoticed: UNIX_UNNOTICED, backlog: NET_GAPS.backlog },
  },
});
