import { connect, listen } from "../../src/adapters/bun.ts";
import { conformance } from "./suite.ts";
import { KINDS, pairsOf } from "./sockets.ts";

const adapter = { name: "bun", connect, listen, gaps: { reset: { unix: "x" } } };
for (const kind of KINDS) conformance(pairsOf(adapter, kind));
