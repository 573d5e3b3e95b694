import type { SocketAddress } from "../../duplex/duplex.ts";
import type { TransportError } from "../../errors.ts";

/** TLS options of `connect`: how to verify the server, and how to identify to it. */
export interface TlsConnectOptions {
  /**
   * The name that the server's certificate must be for: a host name or an address. A host
   * name is also sent to the server (SNI).
   *
   * @default {undefined} the hostname that is connected to
   */
  readonly serverName?: string;
  /**
   * Root certificates in PEM to trust instead of the runtime's public roots: the server's
   * certificate must chain to one of them.
   *
   * @default {undefined} the public roots
   */
  readonly caCerts?: readonly string[];
  /**
   * Accepts any certificate with any name. The connection is encrypted, but not protected
   * from an active attacker (man in the middle). For servers with a self-signed certificate
   * that cannot be given in `caCerts`.
   *
   * @default {false}
   */
  readonly unverified?: boolean;
  /**
   * The client certificate in PEM, followed by its intermediates, for servers that ask for
   * one. Requires `key`.
   */
  readonly cert?: string;
  /** The private key of `cert` in PEM, unencrypted. */
  readonly key?: string;
  /** Application protocols (ALPN) to offer, in order of preference. */
  readonly alpnProtocols?: readonly string[];
  /**
   * How long the handshake may take, in milliseconds. From 1 to 2,147,483,647.
   *
   * @default {10_000}
   */
  readonly handshakeTimeout?: number;
}

/** TLS options of `listen`: the server's certificate, and which clients to accept. */
export interface TlsListenOptions {
  /** The server's certificate in PEM, followed by its intermediates. */
  readonly cert: string;
  /** The private key of `cert` in PEM, unencrypted. */
  readonly key: string;
  /**
   * Root certificates in PEM: accepts only clients whose certificate chains to one of them
   * (mutual TLS).
   */
  readonly clientCaCerts?: readonly string[];
  /**
   * Application protocols (ALPN) to choose from, in order of preference. A client that
   * offers only others is refused; one that offers none is accepted.
   */
  readonly alpnProtocols?: readonly string[];
  /**
   * How long a client's handshake may take, in milliseconds. From 1 to 2,147,483,647.
   *
   * @default {10_000}
   */
  readonly handshakeTimeout?: number;
  /**
   * Called for each client whose handshake failed. The listener continues; what this throws
   * is ignored.
   */
  readonly onHandshakeError?: (error: TransportError, remoteAddress?: SocketAddress) => void;
}
