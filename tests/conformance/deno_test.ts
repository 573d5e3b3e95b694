import { connect, listen } from "../../src/adapters/deno.ts";
import { unstableNet } from "../support/runtime.ts";
import { NO_UNIX_RESET, socketConformanceOn, UNIX_UNNOTICED } from "./suite.ts";

socketConformanceOn("deno", {
  name: "deno",
  connect,
  listen,
  gaps: {
    tcp: {
      reset: "Deno can only close, which resets a connection only if bytes were unread",
      reusePort: unstableNet ? undefined : "needs --unstable-net",
    },
    unix: {
      reset: NO_UNIX_RESET,
      unnoticed: UNIX_UNNOTICED,
      backlog: "Deno cannot set it for Unix sockets",
    },
  },
});
