import { connect, listen } from "../../src/adapters/deno.ts";
import { conformance } from "./suite.ts";
import { KINDS, pairsOf } from "./sockets.ts";

const adapter = { name: "deno", connect, listen, gaps: { reset: { unix: "x", tcp: "x" } } };
for (const kind of KINDS) conformance(pairsOf(adapter, kind));
