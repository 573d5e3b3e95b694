import * as net from "node:net";
import process from "node:process";
import * as tls from "node:tls";
import type { SocketDuplex } from "../duplex.ts";
import { TransportError } from "../errors.ts";
import type { Listener } from "../listener.ts";
import { AcceptQueue } from "./_accept_queue.ts";
import { toTransportError } from "./_errors.ts";
import { Handshakes } from "./_handshakes.ts";
import {
  dial,
  EMPTY,
  ending,
  listening,
  NetTransport,
  tcpAddressOf,
  toDuplex,
  toListener,
} from "./_net.ts";
import {
  checkListenOptions,
  connectAborted,
  type ConnectOptions,
  describe,
  invalid,
  type ListenOptions,
  type Place,
  placeOf,
} from "./_options.ts";
import type { PushDuplex } from "./_push_duplex.ts";
import {
  checkTlsConnect,
  checkTlsListen,
  MAX_DELAY,
  type TlsClient,
  type TlsServer,
} from "./_tls_checks.ts";

const MIN_VERSION = "TLSv1.2";

/** How many milliseconds later than ours Node's time-out of a handshake comes. */
const LATER = 1000;

/** Whose `node:tls` this is. */
const { deno, bun } = process.versions as Partial<Record<string, string>>;
const runtime = deno ? "deno" : bun ? "bun" : "node";

/** Connects, and settles when the handshake is done. */
export async function connectTls(options: ConnectOptions): Promise<SocketDuplex> {
  const place = tcpPlaceOf(options, 1);
  const client = checkTlsConnect(options.tls, place.hostname);
  const raw = await dial(place, options);
  return await shakeHands(raw, place, client, options.signal);
}

async function shakeHands(
  raw: net.Socket,
  place: Place,
  client: TlsClient,
  signal: AbortSignal | undefined,
): Promise<SocketDuplex> {
  const { unverified, handshakeTimeout } = client;
  const action = `Cannot connect to ${describe(place)} with TLS`;
  const socket = start(client, raw);
  const remoteAddress = tcpAddressOf(raw);
  let onAbort = () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise<SocketDuplex>((resolve, reject) => {
      onAbort = () => reject(connectAborted(signal!));
      signal?.addEventListener("abort", onAbort);
      if (signal?.aborted) onAbort();
      timer = setTimeout(() => {
        const why = `the handshake took longer than ${handshakeTimeout} ms`;
        reject(new TransportError("timed-out", `${action}: ${why}`));
      }, handshakeTimeout);
      const onSecure = () => {
        // Every runtime has refused it by now. If one had not, nothing else would.
        if (!unverified && !socket.authorized) {
          return reject(toTlsError(action, socket.authorizationError ?? "it is not trusted"));
        }
        // At once: the server's refusal of our certificate may come right behind.
        const transport = new TlsTransport(socket, raw, false);
        resolve(toDuplex(transport, remoteAddress, socket.alpnProtocol || undefined));
      };
      socket
        .on("secureConnect", onSecure)
        .on("error", (error) => reject(toTlsError(action, error)))
        .on("close", () => reject(new TransportError("reset", `${action}: the server hung up`)));
    });
  } catch (error) {
    socket.destroy();
    raw.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

function start(client: TlsClient, raw: net.Socket): tls.TLSSocket {
  const { serverName } = client;
  try {
    return tls.connect({
      socket: raw,
      // What is verified; what is told to the server must not be an address.
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

/** The certificates are well-formed, and this runtime's TLS finds something wrong with them. */
function notUsable(cause: unknown): TransportError {
  const { message } = cause as Error;
  return invalid(`The certificates or the key in tls cannot be used: ${message}`, cause);
}

/** Listens; a connection is accepted when its handshake is done. */
export async function listenTls(options: ListenOptions): Promise<Listener> {
  const place = tcpPlaceOf(options, 0);
  checkListenOptions(options);
  const settings = checkTlsListen(options.tls);
  const { clientCa, handshakeTimeout, onHandshakeError } = settings;
  const handshakes = new Handshakes(handshakeTimeout, onHandshakeError);
  const accepted = new AcceptQueue();
  const server = createServer(settings, options);
  server
    .on("connection", (raw) => {
      handshakes.begin(raw, tcpAddressOf(raw));
      // With TLS 1.3, a client may think that its certificate has been accepted: let it not
      // take a refusal for an end in order.
      if (clientCa) resetWhenDestroyed(raw);
    })
    .on("tlsClientError", (error, socket) => {
      handshakes.failed(rawOf(socket), handshakeError(error, socket));
    })
    .on("secureConnection", (socket) => {
      const raw = rawOf(socket);
      const handshake = handshakes.done(raw);
      if (!handshake) return void socket.destroy();
      if (clientCa) endWhenDestroyed(raw);
      socket.allowHalfOpen = true;
      accepted.push(
        toDuplex(
          new TlsTransport(socket, raw, true),
          handshake.remoteAddress,
          socket.alpnProtocol || undefined,
        ),
      );
    });
  const address = await listening(server, place, options);
  return toListener(server, address, accepted, () => handshakes.close());
}

function createServer(
  { cert, key, clientCa, alpnProtocols, handshakeTimeout }: TlsServer,
  { noDelay = true, keepAlive = false }: ListenOptions,
): tls.Server {
  try {
    return tls.createServer({
      cert,
      key,
      ca: clientCa,
      requestCert: clientCa !== undefined,
      rejectUnauthorized: clientCa !== undefined,
      ALPNProtocols: alpnProtocols,
      minVersion: MIN_VERSION,
      // Node's counts from the last byte, which a client may send one by one: ours comes first.
      // Deno's goes on after a handshake has failed, and holds all of it until then.
      handshakeTimeout: Math.min(handshakeTimeout + LATER, MAX_DELAY),
      // A client that ends in the middle of the handshake is no more to be waited for.
      allowHalfOpen: false,
      noDelay,
      keepAlive,
    });
  } catch (error) {
    throw notUsable(error);
  }
}

type TcpPlace = Extract<Place, { kind: "tcp" }>;

function tcpPlaceOf(options: ConnectOptions | ListenOptions, minPort: 0 | 1): TcpPlace {
  const place = placeOf(options, minPort);
  if (place.kind === "tcp") return place;
  throw invalid("tls is for TCP, not for Unix sockets");
}

/** The socket below; Bun has but one. */
function rawOf(socket: tls.TLSSocket): net.Socket {
  return (socket as tls.TLSSocket & { _parent?: net.Socket })._parent ?? socket;
}

/** Why a client's handshake failed: Node and Deno hang up on a bad certificate, and tell only that. */
function handshakeError(error: Error, { authorizationError }: tls.TLSSocket): TransportError {
  const action = "The TLS handshake failed";
  if (!authorizationError) return toTlsError(action, error);
  const message = `${action}: the client's certificate is not accepted: ${authorizationError}`;
  return new TransportError("tls", message, { cause: error });
}

/** What the system has no code for is a matter of TLS. */
function toTlsError(action: string, cause: unknown): TransportError {
  return toTransportError(action, cause, "tls");
}

/**
 * What `node:tls` is short of, differs from one runtime to the next: each of these is a
 * case of the conformance suite.
 */
class TlsTransport extends NetTransport {
  readonly #raw: net.Socket;
  readonly #isServer: boolean;

  constructor(socket: tls.TLSSocket, raw: net.Socket, isServer: boolean) {
    super(socket);
    this.#raw = raw;
    this.#isServer = isServer;
  }

  /** Deno reads on from a TLS socket that is paused, without a bound, and may lose the end. */
  override pause(): void {
    if (runtime === "deno") handleOf(this.#raw)?.readStop();
    else super.pause();
  }

  override resume(): void {
    if (runtime === "deno") handleOf(this.#raw)?.readStart();
    else super.resume();
  }

  /** Deno fails a write of nothing. */
  override write(bytes: Uint8Array): void | Promise<void> {
    if (bytes.length > 0) return super.write(bytes);
  }

  /** Resets the connection, which a TLS socket cannot do itself. */
  override destroy(): void {
    if (!ending(this.socket)) {
      if (runtime === "bun") this.#raw.resetAndDestroy();
      else resetWhenDestroyed(this.#raw);
    }
    this.socket.destroy();
  }

  override toError(cause: unknown): TransportError {
    return toTlsError("The connection broke", cause);
  }

  /**
   * Node tells a reset as an end if it came with other bytes, and never calls back a write
   * after that; a write of nothing to the socket below finds out.
   */
  override onEnd(duplex: PushDuplex): void {
    if (runtime !== "node" || !this.socket.writable) return duplex.end();
    // A client that has ended in order and closed resets the connection too, if the
    // session tickets find nobody to read them: there, the end counts first.
    if (this.#isServer) duplex.end();
    this.#raw.write(EMPTY, (error) => {
      if (error) duplex.fail(this.toError(error));
      else duplex.end();
    });
  }
}

/** Destroying a TLS socket ends in destroying the one below; Node crashes if that is destroyed first. */
function resetWhenDestroyed(raw: net.Socket): void {
  raw.destroy = (error) => {
    endWhenDestroyed(raw);
    // Bun has but one socket, which knows whether it is for a certificate.
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

/** The system's socket, which Deno has in the same place as Node. */
function handleOf(raw: net.Socket): Handle | null | undefined {
  return (raw as net.Socket & { _handle?: Handle | null })._handle;
}
