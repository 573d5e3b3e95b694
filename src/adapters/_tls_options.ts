import type { SocketAddress } from "../duplex.ts";
import type { TransportError } from "../errors.ts";

/** How a server is known to be the right one, and how it knows us: TLS 1.3, or 1.2. */
export interface TlsConnectOptions {
  /**
   * The name that the server's certificate must be for, a host name or an address; a
   * host name is also told to the server (SNI).
   *
   * @default the hostname that is connected to
   */
  readonly serverName?: string;
  /**
   * Certificates in PEM that are trusted, in place of the public roots that the
   * runtime brings; one of them must have signed the server's.
   *
   * @default {undefined} the public roots
   */
  readonly caCerts?: readonly string[];
  /**
   * Accepts whatever certificate the server has, and whatever name: what is sent
   * stays secret from those who only listen, and from nobody else. For servers whose
   * certificate is self-signed, where `caCerts` cannot be given.
   *
   * @default {false}
   */
  readonly unverified?: boolean;
  /**
   * Our certificate in PEM, and those between it and a root behind it, for a server
   * that asks for one. Goes with `key`.
   */
  readonly cert?: string;
  /** The private key of `cert` in PEM, not encrypted. */
  readonly key?: string;
  /** Application protocols (ALPN) to offer, the most wanted first. */
  readonly alpnProtocols?: readonly string[];
  /**
   * How long the handshake may take, in milliseconds.
   *
   * @default {10_000}
   */
  readonly handshakeTimeout?: number;
}

/** Who the server is, and whom it serves: TLS 1.3, or 1.2 for a client that has no better. */
export interface TlsListenOptions {
  /** The server's certificate in PEM, and those between it and a root behind it. */
  readonly cert: string;
  /** The private key of `cert` in PEM, not encrypted. */
  readonly key: string;
  /**
   * Serves only clients with a certificate that one of these, in PEM, has signed
   * (mutual TLS).
   */
  readonly clientCaCerts?: readonly string[];
  /**
   * Application protocols (ALPN) to choose from, the most wanted first. A client that
   * offers others only is turned away; one that offers none is served.
   */
  readonly alpnProtocols?: readonly string[];
  /**
   * How long a client's handshake may take, in milliseconds.
   *
   * @default {10_000}
   */
  readonly handshakeTimeout?: number;
  /**
   * Hears of a client that did not come through its handshake. The listener goes on,
   * also if this throws.
   */
  readonly onHandshakeError?: (error: TransportError, remoteAddress?: SocketAddress) => void;
}
