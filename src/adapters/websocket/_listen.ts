import { integer, requireOptions, wrong } from "../../check.ts";
import type { SocketAddress } from "../../duplex/duplex.ts";
import { checkHostname, type ProxyProtocolOptions } from "../base/_options.ts";
import { checkOrigins, originAllowed, type OriginOptions } from "./_origin.ts";
import { HALF_CLOSE_PROTOCOL, limitsOf, type WebSocketOptions } from "./_settings.ts";

/** Options of `upgradeListener`. */
export interface UpgradeListenerOptions extends OriginOptions, WebSocketOptions {
  /**
   * The path of the URL, such as `/rpc`.
   *
   * @default {undefined} any path
   */
  readonly pathname?: string;
  /**
   * Where the HTTP server listens, for the listener's `address`.
   *
   * @default {undefined} unknown
   */
  readonly address?: SocketAddress;
}

/** Options of `listen` for WebSockets. */
export interface WebSocketListenOptions extends OriginOptions, WebSocketOptions {
  /**
   * The address to listen on; `0.0.0.0` or `::` for all.
   *
   * @default {"127.0.0.1"}
   */
  readonly hostname?: string;
  /** The port, 0 to 65535; with 0 the system chooses one. */
  readonly port: number;
  /**
   * The path of the URL, such as `/rpc`; requests for other paths get a 404.
   *
   * @default {undefined} any path
   */
  readonly pathname?: string;
  /**
   * Each connection must begin with a PROXY protocol header, as with `listen` of `./node`. On
   * all runtimes, such a listener is one of `node:http` and `ws`, and has backpressure in both
   * directions. Deno needs the package `ws` for it, and fails with the code `unsupported`
   * without; Bun has it.
   *
   * @default {undefined} connections begin with the client's bytes
   */
  readonly proxyProtocol?: ProxyProtocolOptions;
}

/** The response to a request that is refused. */
export interface Refusal {
  readonly status: number;
  readonly text: string;
}

/** Checks all options. Throws a `RangeError` or a `TypeError`. */
export function checkWebSocketListenOptions(options: WebSocketListenOptions): void {
  requireOptions("options", "a port", options);
  checkUpgradeOptions(options);
  integer("port", options.port, 0, 65535);
  checkHostname(options);
}

/** Checks the options that need no listener of one's own. Throws a `RangeError` or a `TypeError`. */
export function checkUpgradeOptions(options: UpgradeListenerOptions): void {
  const { pathname } = options;
  limitsOf(options);
  checkOrigins(options);
  if (pathname !== undefined && !/^\/[^?#]*$/.test(pathname)) {
    throw wrong(`pathname must begin with / and have no query, not ${pathname}`);
  }
}

/** An upgrade request, as every runtime can provide it. */
export interface UpgradeRequest {
  /** The URL, or only its path. */
  readonly url: string;
  /** Reads a header. */
  header(name: string): string | null | undefined;
}

/** The response to a request that must be refused; `undefined` if it may be upgraded. */
export function refusalOf(
  { url, header }: UpgradeRequest,
  options: Pick<UpgradeListenerOptions, "pathname" | "allowedOrigins">,
): Refusal | undefined {
  const { pathname } = options;
  if (pathname !== undefined && pathOf(url) !== pathname) {
    return { status: 404, text: "Not found\n" };
  }
  if (header("upgrade")?.toLowerCase() !== "websocket") {
    return { status: 426, text: "This is for WebSockets\n" };
  }
  if (!originAllowed(header("origin"), header("host"), options)) {
    return { status: 403, text: "Pages of this origin may not connect\n" };
  }
  return undefined;
}

/** Whether a request asks for a WebSocket, at that path. */
export function takes(
  { url, header }: UpgradeRequest,
  { pathname }: Pick<UpgradeListenerOptions, "pathname">,
): boolean {
  return header("upgrade")?.toLowerCase() === "websocket" &&
    (pathname === undefined || pathOf(url) === pathname);
}

/** The path of a URL; `undefined` if the client sent something else. */
function pathOf(url: string): string | undefined {
  const whole = url.startsWith("/") ? `http://localhost${url}` : url;
  return URL.canParse(whole) ? new URL(whole).pathname : undefined;
}

/** Whether a client offers the half-close subprotocol. */
export function offersHalfClose({ header }: UpgradeRequest): boolean {
  const offered = header("sec-websocket-protocol") ?? "";
  return offered.split(",").some((name) => name.trim() === HALF_CLOSE_PROTOCOL);
}
