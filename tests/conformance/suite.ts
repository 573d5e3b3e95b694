/**
 * The contract of a {@linkcode Duplex}, as cases that any transport can be run on.
 * A transport's own file says how to open a pair.
 *
 * @module
 */
import { abortCases } from "./abort.ts";
import type { Adapter } from "./adapter.ts";
import { backpressureCases } from "./backpressure.ts";
import { bytesCases } from "./bytes.ts";
import { halfCloseCases } from "./half_close.ts";

/** Registers all cases. */
export function conformance(adapter: Adapter): void {
  bytesCases(adapter);
  halfCloseCases(adapter);
  backpressureCases(adapter);
  abortCases(adapter);
}
