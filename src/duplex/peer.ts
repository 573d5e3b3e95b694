import type { SocketAddress } from "../socket_address.ts";

/** What a proxy said of a connection, in the PROXY protocol header that it began with. */
export interface ProxyInfo {
  /** The version of the header. */
  readonly version: 1 | 2;
  /**
   * Whether the proxy connected for itself, as for a health check, or did not say for whom:
   * `remoteAddress` is then the proxy's.
   */
  readonly local: boolean;
  /** The address that the header came from: the proxy's. */
  readonly address?: SocketAddress;
  /** What the client connected to. */
  readonly destination?: SocketAddress;
  /** The host name that the client asked for, such as that of its TLS handshake (SNI). */
  readonly authority?: string;
  /** What the proxy calls the connection, in its logs. At most 128 bytes. */
  readonly uniqueId?: Uint8Array;
  /** The VPC endpoint that the client came through, such as `vpce-08d2bf15fac5001c9`. */
  readonly awsEndpointId?: string;
  /** All that a header of version 2 says besides, in its order; those above too. */
  readonly tlvs: readonly ProxyTlv[];
}

/** One of the additional values in a PROXY protocol header of version 2. */
export interface ProxyTlv {
  /** Its type: 0 to 255. */
  readonly type: number;
  /** Its value. */
  readonly value: Uint8Array;
}
