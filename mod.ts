/**
 * Messages over any pair of byte streams, fast: the core of protosocket.
 *
 * A {@linkcode Connection} joins three things: a {@linkcode Duplex} (a socket, from
 * one of the adapters), a {@linkcode Codec} (how messages are framed and encoded) and
 * a {@linkcode Reactor} (your code, which handles them).
 *
 * ```text
 * socket ─▶ Duplex.readable ─▶ DecoderStream ─▶ Reactor
 * Sender ─▶ EncoderStream ─▶ Duplex.writable ─▶ socket
 * ```
 *
 * @example
 * ```ts
 * import { Connection, duplexPair } from "@protosocket/protosocket";
 * import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
 *
 * const [here, there] = duplexPair();
 * await using echo = new Connection(there, {
 *   codec: lengthDelimited(),
 *   reactor: (sender) => ({ onInboundMessage: (message) => sender.send(message) }),
 * });
 * await using connection = new Connection(here, {
 *   codec: lengthDelimited(),
 *   reactor: () => ({
 *     onInboundMessage(message) {
 *       console.log(message);
 *       return "disconnect";
 *     },
 *   }),
 * });
 * await connection.sender.send(new Uint8Array([1, 2, 3]));
 * await connection.closed;
 * ```
 *
 * @module
 */
export type {
  DistinguishedName,
  Duplex,
  PeerCertificate,
  ProxyInfo,
  ProxyTlv,
  Receiver,
  SocketAddress,
  SocketDuplex,
  SubjectAltName,
  Transport,
  UpgradeInfo,
} from "./src/duplex/duplex.ts";
export { duplexPair, type DuplexPairOptions } from "./src/duplex/duplex_pair.ts";
export type { Codec, Decoder, DecodeResult, Encoder } from "./src/codec.ts";
export { EncodeBuffer } from "./src/streams/encode_buffer.ts";
export { DecoderStream, type DecoderStreamOptions } from "./src/streams/decoder_stream.ts";
export { EncoderStream, type EncoderStreamOptions } from "./src/streams/encoder_stream.ts";
export type { Reactor, ReactorStatus, SendBudget } from "./src/reactor.ts";
export type { Sender, SendOptions } from "./src/sender.ts";
export type { CloseReason } from "./src/close_reason.ts";
export { Connection, type DrainOptions } from "./src/connection/connection.ts";
export type {
  ConnectionConfig,
  ConnectionControl,
  Heartbeat,
} from "./src/connection/connection_config.ts";
export type { ConnectionObserver } from "./src/observer.ts";
export {
  type ConnectionOptions,
  DEFAULT_DRAIN_TIMEOUT,
  DEFAULT_MAX_BUFFER_LENGTH,
  DEFAULT_MAX_PIPELINED_BYTES,
  DEFAULT_MAX_QUEUED_MESSAGES,
  DEFAULT_MESSAGE_TIMEOUT,
  DEFAULT_WRITE_TIMEOUT,
} from "./src/options.ts";
export type { Listener, ServerCertificate, SocketListener } from "./src/duplex/listener.ts";
export {
  type Connector,
  DEFAULT_CONNECTOR_TIMEOUT,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
  serve,
  type ServedConnection,
  type ServeOptions,
  type Server,
  type ServerCloseOptions,
} from "./src/server/server.ts";
export {
  ConnectionError,
  type ConnectionErrorCode,
  TransportError,
  type TransportErrorCode,
} from "./src/errors.ts";
