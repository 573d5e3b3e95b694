import { MAX_DELAY, wrong } from "../../check.ts";
import * as net from "node:net";
import process from "node:process";
import * as tls from "node:tls";
import type { SocketAddress, SocketDuplex } from "../../duplex/duplex.ts";
import { TransportError } from "../../errors.ts";
import type { SocketListener } from "../../duplex/listener.ts";
import { limited } from "../../waits/bounded.ts";
import { AcceptQueue } from "../base/_accept_queue.ts";
import { toTransportError } from "../base/_errors.ts";
import { Handshakes } from "../base/_handshakes.ts";
import { certificateOf } from "./_certificate.ts";
import { netKeepAlive, setKeepAlive } from "./_keep_alive.ts";
import { checkIdentity } from "./_pem.ts";
import { type Proxied, proxiedServer } from "./_proxied.ts";
import { dial, EMPTY, ending, listening, NetDuplex, tcpAddressOf, toListener } from "./_net.ts";
import {
  checkListenOptions,
  connectAborted,
  type ConnectOptions,
  describe,
  type ListenOptions,
  placeOf,
  type SocketPlace,
} from "../base/_options.ts";
import { checkTlsConnect, checkTlsListen, type TlsClient, type TlsServer } from "./_tls_checks.ts";

const MIN_VERSION = "TLSv1.2";

/** By how many milliseconds Node's own handshake timeout is longer than ours. */
const LATER = 1000;

/** Which runtime's `node:tls` this is. */
const { deno, bun } = process.versions as Partial<Record<string, string>>;
const runtime = deno ? "deno" : bun ? "bun" : "node";

/** Connects; settles when the handshake is done. */
export async function connectTls(options: ConnectOptions): Promise<SocketDuplex> {
  const place = tcpPlaceOf(options, 1);
  const client = checkTlsConnect(options.tls, place.hostname);
  const raw = await dial(place, options);
  return await shakeHands(raw, place, client, options.signal);
}

async function shakeHands(
  raw: net.Socket,
  place: SocketPlace,
  client: TlsClient,
  signal: AbortSignal | undefined,
): Promise<SocketDuplex> {
  const { unverified, handshakeTimeout } = client;
  const action = `Cannot connect to ${describe(place)} with TLS`;
  const socket = start(client, raw);
  const remoteAddress = tcpAddressOf(raw);
  const shaken = new Promise<SocketDuplex>((resolve, reject) => {
    const onSecure = () => {
      // Every runtime should have refused it by now; this is the last line of defence.
      if (!unverified && !socket.authorized) {
        return reject(toTlsError(action, socket.authorizationError ?? "it is not trusted"));
      }
      // Synchronously: the server's refusal of our certificate may follow at once.
      resolve(new TlsDuplex(socket, raw, false, remoteAddress));
    };
    socket
      .on("secureConnect", onSecure)
      .on("error", (error) => reject(notShaken(action, error)))
      .on("close", () => reject(new TransportError("tls", `${action}: the server hung up`)));
  });
  try {
    return await limited(shaken, {
      signals: [signal],
      aborted: connectAborted,
      timeout: handshakeTimeout,
      timedOut: () => {
        const why = `the handshake took longer than ${handshakeTimeout} ms`;
        return new TransportError("timed-out", `${action}: ${why}`);
      },
    });
  } catch (error) {
    socket.destroy();
    raw.destroy();
    throw error;
  }
}

function start(client: TlsClient, raw: net.Socket): tls.TLSSocket {
  const { serverName } = client;
  try {
    return tls.connect({
      socket: raw,
      // The name to verify. The one sent to the server (SNI) must not be an address.
      host: serverName,
      servername: net.isIP(serverName) ? "" : serverName,
      ca: client.ca,
      cert: client.cert,
      key: client.key,
      ALPNProtocols: client.alpnProtocols,
      rejectUnauthorized: !client.unverified,
      minVersion: MIN_VERSION,
    });
  } catch (error) {
    raw.destroy();
    throw notUsable(error);
  }
}

/** The error for certificates that are well-formed, but that this runtime's TLS rejects. */
function notUsable(cause: unknown): TypeError {
  const { message } = cause as Error;
  return wrong(`The certificates or the key in tls cannot be used: ${message}`, cause);
}

/** Listens; a connection is accepted once its handshake is done. */
export async function listenTls(options: ListenOptions): Promise<SocketListener> {
  const place = tcpPlaceOf(options, 0);
  checkListenOptions(options);
  const settings = checkTlsListen(options.tls);
  const { clientCa, handshakeTimeout, onHandshakeError } = settings;
  const handshakes = new Handshakes(handshakeTimeout, onHandshakeError);
  const accepted = new AcceptQueue();
  const keepAlive = netKeepAlive(options.keepAlive);
  const server = createServer(settings, options);
  const proxies = new WeakMap<net.Socket, Proxied>();
  const front = options.proxyProtocol === undefined
    ? undefined
    : proxiedServer(options, (raw, proxied) => {
      proxies.set(raw, proxied);
      server.emit("connection", raw);
    });
  server
    .on("connection", (raw) => {
      setKeepAlive(raw, keepAlive);
      handshakes.begin(
        raw,
        (proxies.get(raw) ?? { remoteAddress: tcpAddressOf(raw) }).remoteAddress,
      );
      // With TLS 1.3, a client may believe that its certificate was accepted: it must not
      // take a refusal for an orderly end.
      if (clientCa) resetWhenDestroyed(raw);
    })
    .on("tlsClientError", (error, socket) => {
      handshakes.failed(rawOf(socket), handshakeError(error, socket));
    })
    .on("secureConnection", (socket) => {
      const raw = rawOf(socket);
      const certificate = clientCa && certificateOf(socket);
      // Every runtime should have refused it by now; this is the last line of defence.
      if (clientCa && !certificate) {
        handshakes.failed(raw, new TransportError("tls", "The client's certificate is unreadable"));
        return void socket.destroy();
      }
      const handshake = handshakes.done(raw);
      if (!handshake) return void socket.destroy();
      if (clientCa) endWhenDestroyed(raw);
      socket.allowHalfOpen = true;
      const duplex = new TlsDuplex(socket, raw, true, handshake.remoteAddress);
      duplex.proxy = proxies.get(raw)?.proxy;
      duplex.peerCertificate = certificate;
      accepted.push(duplex);
    });
  const listens = front?.server ?? server;
  const address = await listening(listens, place, options);
  const onClose = () => {
    front?.close();
    handshakes.close();
  };
  return toListener(listens, address, accepted, onClose, ({ cert, key }) => {
    const renewed = contextOf({ ...settings, ...checkIdentity(cert, key) });
    try {
      server.setSecureContext(renewed);
    } catch (error) {
      throw notUsable(error);
    }
  });
}

/** What a handshake of a server is made with. */
function contextOf({ cert, key, clientCa }: TlsServer): tls.SecureContextOptions {
  return { cert, key, ca: clientCa, minVersion: MIN_VERSION };
}

function createServer(
  settings: TlsServer,
  { noDelay = true }: ListenOptions,
): tls.Server {
  const { clientCa, alpnProtocols, handshakeTimeout } = settings;
  try {
    return tls.createServer({
      ...contextOf(settings),
      requestCert: clientCa !== undefined,
      rejectUnauthorized: clientCa !== undefined,
      ALPNProtocols: alpnProtocols,
      // Node's counts from the last byte, and a client can trickle bytes, so ours comes first.
      // Deno's runs on after a failed handshake, and keeps its memory until then.
      handshakeTimeout: Math.min(handshakeTimeout + LATER, MAX_DELAY),
      // Do not wait for a client that ends in the middle of the handshake.
      allowHalfOpen: false,
      noDelay,
    });
  } catch (error) {
    throw notUsable(error);
  }
}

type TcpPlace = Extract<SocketPlace, { kind: "tcp" }>;

function tcpPlaceOf(options: ConnectOptions | ListenOptions, minPort: 0 | 1): TcpPlace {
  const place = placeOf(options, minPort);
  if (place.kind === "tcp") return place;
  throw wrong("tls is for TCP, not for Unix sockets");
}

/** The socket below TLS; on Bun there is only one socket. */
function rawOf(socket: tls.TLSSocket): net.Socket {
  return (socket as tls.TLSSocket & { _parent?: net.Socket })._parent ?? socket;
}

/** Why a client's handshake failed: for a bad certificate, Node and Deno only report a hang-up. */
function handshakeError(error: Error, { authorizationError }: tls.TLSSocket): TransportError {
  const action = "The TLS handshake failed";
  if (!authorizationError) return toTlsError(action, error);
  const message = `${action}: the client's certificate is not accepted: ${authorizationError}`;
  return new TransportError("tls", message, { cause: error });
}

/** A server that hangs up in the middle of a handshake does not speak TLS, or not with us. */
function notShaken(action: string, cause: unknown): TransportError {
  const error = toTlsError(action, cause);
  return error.code === "reset" ? new TransportError("tls", error.message, { cause }) : error;
}

/** Errors without a system code are TLS errors. */
function toTlsError(action: string, cause: unknown): TransportError {
  return toTransportError(action, cause, "tls");
}

/**
 * Works around what each runtime's `node:tls` lacks; each workaround is covered by the
 * conformance suite.
 */
class TlsDuplex extends NetDuplex {
  readonly #raw: net.Socket;
  readonly #isServer: boolean;

  constructor(
    socket: tls.TLSSocket,
    raw: net.Socket,
    isServer: boolean,
    remoteAddress: SocketAddress | undefined,
  ) {
    super(socket, remoteAddress, socket.alpnProtocol || undefined);
    this.#raw = raw;
    this.#isServer = isServer;
  }

  /** What TLS makes of it is more, and below. */
  override get unsent(): number {
    return this.socket.writableLength;
  }

  /** Deno keeps reading from a paused TLS socket, without a limit, and may lose the end. */
  protected override hold(): void {
    if (runtime === "deno") handleOf(this.#raw)?.readStop();
    else super.hold();
  }

  protected override flow(): void {
    if (runtime === "deno") handleOf(this.#raw)?.readStart();
    super.flow();
  }

  /** Others read on, or tell by themselves. */
  protected override probe(): void {
    const { writable, writableLength } = this.#raw;
    if (runtime !== "node" || !writable || writableLength > 0) return;
    this.#raw.write(EMPTY, (error) => void (error && this.fail(this.toError(error))));
  }

  /** Resets the connection, which a TLS socket cannot do itself. */
  protected override destroy(): void {
    if (!ending(this.socket)) {
      if (runtime === "bun") this.#raw.resetAndDestroy();
      else resetWhenDestroyed(this.#raw);
    }
    this.socket.destroy();
  }

  protected override toError(cause: unknown): TransportError {
    return toTlsError("The connection broke", cause);
  }

  /**
   * Node reports a reset as an end if it came with other bytes, and writes after that never
   * call back. An empty write to the socket below tells the two apart.
   */
  override onEnd(): void {
    if (runtime !== "node" || !this.socket.writable) return this.ended();
    // A client that has ended in order and closed also causes a reset, if the session
    // tickets arrive with nobody to read them: there, the end counts first.
    if (this.#isServer) this.ended();
    this.#raw.write(EMPTY, (error) => {
      if (error) this.fail(this.toError(error));
      else this.ended();
    });
  }
}

/** Destroying a TLS socket destroys the one below; Node crashes if that one is destroyed first. */
function resetWhenDestroyed(raw: net.Socket): void {
  raw.destroy = (error) => {
    endWhenDestroyed(raw);
    // On Bun there is only one socket, which knows whether the certificate was the reason.
    const reset = runtime !== "bun" || (raw as tls.TLSSocket).authorizationError;
    return reset ? raw.resetAndDestroy() : raw.destroy(error);
  };
}

/** Undoes {@linkcode resetWhenDestroyed}. */
function endWhenDestroyed(raw: Partial<Pick<net.Socket, "destroy">>): void {
  delete raw.destroy;
}

interface Handle {
  readStop(): void;
  readStart(): void;
}

/** The system's socket handle, which Deno keeps in the same place as Node. */
function handleOf(raw: net.Socket): Handle | null | undefined {
  return (raw as net.Socket & { _handle?: Handle | null })._handle;
}
