import { connect, listen } from "../../src/adapters/bun.ts";
import { NO_UNIX_RESET, socketConformanceOn, UNIX_UNNOTICED } from "./suite.ts";

const backlog = "Bun cannot set it";
socketConformanceOn("bun", {
  name: "bun",
  connect,
  listen,
  gaps: { tcp: { backlog }, unix: { reset: NO_UNIX_RESET, unnoticed: UNIX_UNNOTICED, backlog } },
});
