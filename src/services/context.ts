import type { PeerCertificate, ProxyInfo, SocketAddress, UpgradeInfo } from "../../mod.ts";
import type { MethodDefinition } from "./definition.ts";
import type { Metadata } from "./metadata.ts";

/** Whom a call comes from. */
export interface Peer {
  /** The client's address, if the transport knows it. */
  readonly address: SocketAddress | undefined;
  /** What the proxy between said besides, if the listener has `proxyProtocol`. */
  readonly proxy: ProxyInfo | undefined;
  /** The application protocol negotiated in the TLS handshake (ALPN), if any. */
  readonly alpnProtocol: string | undefined;
  /** The client's TLS certificate, if the listener has `clientCaCerts`: one of those has signed it. */
  readonly certificate: PeerCertificate | undefined;
  /** The HTTP request that the client's WebSocket began with. */
  readonly request: UpgradeInfo | undefined;
}

/** The connection that a call came on. */
export interface ServiceConnection {
  /** Who is at the other end. */
  readonly peer: Peer;
  /** What interceptors and handlers keep for the connection. */
  readonly values: Map<unknown, unknown>;
  /** Ends the connection in order: other calls on it are cancelled. */
  close(): void;
}

/** What a handler, and an interceptor at either end, knows of a call. */
export interface ServiceContext {
  /** The method that is called. */
  readonly method: MethodDefinition;
  /** What the client sends beside the request. At a client, it may be changed until it is sent. */
  readonly metadata: Metadata;
  /** When the call must be answered, as `performance.now()` counts; `undefined`: whenever. */
  readonly deadline: number | undefined;
  /**
   * Fires when the call need not be answered any more: the client has cancelled it, its deadline
   * has passed, or, at a server, its connection has ended. Its reason says which: a
   * {@linkcode ServiceError}, or at a client that of the signal that has cancelled it.
   */
  readonly signal: AbortSignal;
  /**
   * What the server sends beside the beginning of its answer: its response, or the first item of a
   * stream. What is set later is not sent.
   */
  readonly responseMetadata: Metadata;
  /** What the server sends beside the end of its answer. */
  readonly trailers: Metadata;
  /** What interceptors and handlers keep for the call. */
  readonly values: Map<unknown, unknown>;
}

/** What a handler knows of a call. */
export interface ServerContext extends ServiceContext {
  /** Who calls. */
  readonly peer: Peer;
  /** The connection that the call came on. */
  readonly connection: ServiceConnection;
}
