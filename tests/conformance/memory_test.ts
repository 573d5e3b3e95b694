import { duplexPair } from "../../mod.ts";
import { conformance } from "./suite.ts";

conformance({
  name: "memory",
  gaps: {},
  open() {
    const [client, server] = duplexPair();
    return Promise.resolve({ client, server, close: () => Promise.resolve() });
  },
});
