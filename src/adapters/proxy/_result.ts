import type { ProxyTlv } from "../../duplex/peer.ts";
import type { SocketAddress } from "../../socket_address.ts";

/** What a PROXY protocol header says. */
export interface ProxyHeader {
  /** The version of the header. */
  readonly version: 1 | 2;
  /** The client's address; `undefined` if the proxy connected for itself, or did not say. */
  readonly source?: SocketAddress;
  /** What the client connected to. */
  readonly destination?: SocketAddress;
  /** The host name that the client asked for. */
  readonly authority?: string;
  /** What the proxy calls the connection. At most 128 bytes. */
  readonly uniqueId?: Uint8Array;
  /** The VPC endpoint that the client came through. */
  readonly awsEndpointId?: string;
  /** All additional values of version 2, in their order; those above too. */
  readonly tlvs: readonly ProxyTlv[];
}

/** What {@linkcode parseProxyHeader} makes of the first bytes of a connection. */
export type ProxyHeaderResult =
  /** It is not complete, and correct so far. */
  | { readonly kind: "incomplete" }
  /** It is there; what comes after its `length` bytes belongs to the client. */
  | { readonly kind: "header"; readonly header: ProxyHeader; readonly length: number }
  /** It is none. */
  | { readonly kind: "invalid"; readonly reason: string };

/** The result for bytes that are correct so far. */
export const INCOMPLETE: ProxyHeaderResult = { kind: "incomplete" };

/** Makes the result for bytes that are no header. */
export function invalidHeader(reason: string): ProxyHeaderResult {
  return { kind: "invalid", reason };
}
