/**
 * PROXY protocol headers, versions 1 and 2, for those who write proxies. Servers need only
 * the option `proxyProtocol` of `listen()`.
 *
 * @example
 * ```ts
 * import { parseProxyHeader, proxyHeader } from "@protosocket/protosocket/proxy-protocol";
 *
 * const header = proxyHeader({
 *   source: { transport: "tcp", hostname: "2001:db8::1", port: 5000 },
 *   destination: { transport: "tcp", hostname: "2001:db8::2", port: 443 },
 *   uniqueId: new TextEncoder().encode("request-17"),
 *   checksum: true,
 * });
 * const result = parseProxyHeader(header);
 * if (result.kind === "header") console.log(result.header.source);
 * ```
 *
 * @module
 */
export { proxyHeader, type ProxyHeaderOptions } from "./proxy/_send.ts";
export { DEFAULT_MAX_HEADER_BYTES } from "./base/_proxy_options.ts";
export { parseProxyHeader } from "./proxy/_parse.ts";
export type { ProxyHeader, ProxyHeaderResult } from "./proxy/_result.ts";
export type { ProxyInfo, ProxyTlv } from "../duplex/peer.ts";
