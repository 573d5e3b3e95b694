/**
 * Takes the synchronous face from every duplex of this package, so that all connections of a
 * test file go through its streams. Loaded before the file by `npm test -- --streams`.
 *
 * @module
 */
import { duplexPair } from "../../mod.ts";
import { DuplexBase } from "../../src/duplex/duplex_base.ts";

Reflect.deleteProperty(DuplexBase.prototype, "attach");
if (duplexPair()[0].attach) throw new Error("A duplex still has its synchronous face");
