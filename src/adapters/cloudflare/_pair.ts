import { TransportError } from "../../errors.ts";
import type { WebSocketLike } from "../websocket/_events.ts";
import { offersHalfClose, refusalOf } from "../websocket/_listen.ts";
import { HALF_CLOSE_PROTOCOL, limitsOf, type WebSocketOptions } from "../websocket/_settings.ts";
import { checkOrigins, type OriginOptions } from "../websocket/_origin.ts";

/** Options of `upgradeWebSocket`: which requests are accepted, and the WebSocket's limits. */
export interface UpgradeOptions extends OriginOptions, WebSocketOptions {}

/** The two ends of a WebSocket, before either is used. */
interface WebSocketPair {
  /** The client's, which goes with the response. */
  readonly 0: WebSocketLike;
  /** The worker's. */
  readonly 1: WebSocketLike;
}

/** The result of checking a request. */
export type PairedUpgrade =
  | {
    readonly kind: "accepted";
    readonly socket: WebSocketLike;
    readonly halfClose: boolean;
    readonly response: Response;
  }
  | { readonly kind: "refused"; readonly response: Response };

/** Checks a request, and makes a pair if it may be upgraded. */
export function pairFor(request: Request, options: UpgradeOptions): PairedUpgrade {
  limitsOf(options);
  checkOrigins(options);
  const asked = { url: request.url, header: (name: string) => request.headers.get(name) };
  const refusal = refusalOf(asked, options);
  if (refusal) return { kind: "refused", response: new Response(refusal.text, refusal) };
  const { WebSocketPair } = globalThis as { WebSocketPair?: new () => WebSocketPair };
  if (!WebSocketPair) throw new TransportError("unsupported", "This needs Cloudflare Workers");
  const { 0: webSocket, 1: socket } = new WebSocketPair();
  const halfClose = offersHalfClose(asked);
  const headers = new Headers();
  if (halfClose) headers.set("sec-websocket-protocol", HALF_CLOSE_PROTOCOL);
  const init = { status: 101, webSocket, headers } as ResponseInit;
  return { kind: "accepted", socket, halfClose, response: new Response(null, init) };
}
