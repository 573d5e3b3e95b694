/**
 * The contract of a duplex and of a listener, as cases that any transport can be run
 * on. A transport's own file says how to open a pair, and what it cannot do and why.
 *
 * @module
 */
import { test } from "node:test";
import { runtime } from "../support/runtime.ts";
import { abortCases } from "./abort.ts";
import type { Adapter } from "./adapter.ts";
import { backpressureCases } from "./backpressure.ts";
import { bytesCases } from "./bytes.ts";
import { faceCases } from "./face.ts";
import { failureCases } from "./failures.ts";
import { halfCloseCases } from "./half_close.ts";
import { listenerCases } from "./listener.ts";
import { optionCases } from "./options.ts";
import { releaseCases } from "./release.ts";
import { pairsOf, type SocketAdapter } from "./sockets.ts";

/** Why the abort of a Unix socket may look like an end. */
export const NO_UNIX_RESET = "a Unix socket knows no reset, unless bytes were unread";

/** Why nobody asks a Unix socket whether its peer is still there. */
export const UNIX_UNNOTICED = "a Unix socket whose peer closed in order refuses writes as well";

/** Why a WebSocket of the runtime itself is not tried with a peer that does not read. */
export const NO_WEBSOCKET_WAIT = "a WebSocket of this kind has no way to make the other end wait";

/** Why nobody asks a WebSocket that. A reset is noticed: see tests/websocket/let_go_test.ts. */
export const WEBSOCKET_UNNOTICED =
  "an abort of `ws` ends its socket, and an end behind unread bytes is not noticed";

/** Registers the cases of a duplex. */
export function conformance(adapter: Adapter): void {
  bytesCases(adapter);
  halfCloseCases(adapter);
  backpressureCases(adapter);
  abortCases(adapter);
  const { face } = adapter.gaps;
  if (face === undefined) faceCases(adapter);
  else test(`${adapter.name}, attached: all cases`, { skip: face }, () => {});
}

/** Registers the cases of a duplex and of a listener, for both kinds of socket. */
export function socketConformance(adapter: SocketAdapter): void {
  for (const kind of ["tcp", "unix"] as const) {
    const { missing } = adapter.gaps[kind];
    if (missing) {
      test(`${adapter.name}, ${kind}: all cases`, { skip: missing }, () => {});
      continue;
    }
    conformance(pairsOf(adapter, kind));
    listenerCases(adapter, kind);
    optionCases(adapter, kind);
    releaseCases(adapter, kind);
  }
  failureCases(adapter);
}

/** Like {@linkcode socketConformance}, for an adapter that needs a runtime. */
export function socketConformanceOn(needed: typeof runtime, adapter: SocketAdapter): void {
  if (needed === runtime) socketConformance(adapter);
  else test(`${adapter.name}: all cases`, { skip: `needs ${needed}` }, () => {});
}
