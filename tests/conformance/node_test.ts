import { connect, listen } from "../../src/adapters/node.ts";
import { conformance } from "./suite.ts";
import { KINDS, pairsOf } from "./sockets.ts";

const adapter = { name: "node", connect, listen, gaps: { reset: { unix: "x" } } };
for (const kind of KINDS) conformance(pairsOf(adapter, kind));
