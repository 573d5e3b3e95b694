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

/** The HTTP request that became a WebSocket. What it says is the client's word. */
export interface UpgradeInfo {
  /** Its URL, of `http:`; the host is that of the `Host` header. */
  readonly url: URL;
  /** Its headers. */
  readonly headers: Headers;
  /** The cookies in its headers, decoded. */
  readonly cookies: ReadonlyMap<string, string>;
}

/** Who a TLS client is, by the certificate that it proved to have the key of. */
export interface PeerCertificate {
  /** Whom it names, such as `{ CN: "client-7", O: "Example" }`. Several values are an array. */
  readonly subject: Readonly<Record<string, string | readonly string[]>>;
  /** Who signed it. */
  readonly issuer: Readonly<Record<string, string | readonly string[]>>;
  /** Its alternative names (SANs), such as `DNS:client-7.example.com` or `URI:spiffe://…`. */
  readonly subjectAltNames: readonly string[];
  /** The SHA-256 of `raw`: 32 bytes in hexadecimal, in capitals, with colons between them. */
  readonly fingerprint256: string;
  /** Its serial number, in hexadecimal. */
  readonly serialNumber: string;
  /** From when it is valid. */
  readonly validFrom: Date;
  /** Until when it is valid. */
  readonly validTo: Date;
  /** The certificate itself, in DER. */
  readonly raw: Uint8Array;
  /**
   * The certificates in DER from this one to a root that the server trusts, as far as the
   * runtime tells: this one alone on Bun and Deno.
   */
  readonly chain: readonly Uint8Array[];
}

/** One of the additional values in a PROXY protocol header of version 2. */
export interface ProxyTlv {
  /** Its type: 0 to 255. */
  readonly type: number;
  /** Its value. */
  readonly value: Uint8Array;
}
