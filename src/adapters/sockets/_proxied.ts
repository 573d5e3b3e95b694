import * as net from "node:net";
import type { ProxyInfo } from "../../duplex/peer.ts";
import type { SocketAddress } from "../../duplex/duplex.ts";
import { TransportError } from "../../errors.ts";
import { inNetworks } from "../../ip_networks.ts";
import { Handshakes } from "../base/_handshakes.ts";
import type { ListenOptions } from "../base/_options.ts";
import { netKeepAlive, setKeepAlive } from "./_keep_alive.ts";
import { tcpAddressOf } from "./_net.ts";
import { checkProxyProtocol, type ProxySettings } from "../base/_proxy_options.ts";
import { parseProxyHeader } from "../proxy/_parse.ts";
import type { ProxyHeader } from "../proxy/_result.ts";

/** A connection whose header has been read. */
export interface Proxied {
  /** The client's address, or the proxy's if it connected for itself. */
  readonly remoteAddress: SocketAddress | undefined;
  readonly proxy: ProxyInfo;
}

/** A server of sockets that begin with a PROXY protocol header. */
export interface ProxiedServer {
  /** To be started. */
  readonly server: net.Server;
  /** Ends the connections whose header is not there yet. */
  close(): void;
}

/** How much memory a header gets at first. */
const FIRST_BYTES = 256;

/**
 * Makes a server that reads the header of each connection, and hands over the socket, paused,
 * with the bytes that came after. A connection without a header that is to be believed ends.
 */
export function proxiedServer(
  { proxyProtocol, path, noDelay = true, keepAlive: probes }: Pick<
    ListenOptions,
    "proxyProtocol" | "path" | "noDelay" | "keepAlive"
  >,
  onConnection: (socket: net.Socket, proxied: Proxied) => void,
): ProxiedServer {
  const settings = checkProxyProtocol(proxyProtocol, path !== undefined);
  const { trusted, timeout, maxHeaderBytes, onHeaderError } = settings;
  const headers = new Handshakes(timeout, onHeaderError, "The PROXY header");
  const keepAlive = netKeepAlive(probes);
  const server = net.createServer({ allowHalfOpen: true, noDelay }, (socket) => {
    if (path === undefined) setKeepAlive(socket, keepAlive);
    const address: SocketAddress | undefined = path === undefined
      ? tcpAddressOf(socket)
      : { transport: "unix", path: "" };
    // Proxies have few addresses, so connections are not counted by them.
    headers.begin(socket, address, trusted === undefined);
    const fail = (why: string) => {
      socket.on("error", () => {});
      headers.failed(
        socket,
        new TransportError("proxy-header", `The PROXY header was refused: ${why}`),
      );
      if (socket.writableLength === 0 && path === undefined) socket.resetAndDestroy();
      else socket.destroy();
    };
    if (!isTrusted(address, settings)) {
      // Of a connection that was reset before it was accepted, the system no longer knows whose it
      // was. Health checks often do so.
      const why = address ? "is not in proxyProtocol.trust" : "had left at once";
      return fail(`its sender ${why}`);
    }
    readHeader(socket, maxHeaderBytes, fail, (header) => {
      if (!headers.done(socket)) return void socket.destroy();
      onConnection(socket, {
        remoteAddress: header.source ?? address,
        proxy: infoOf(header, address),
      });
    });
  });
  return { server, close: () => headers.close() };
}

function isTrusted(address: SocketAddress | undefined, { trusted }: ProxySettings): boolean {
  if (trusted === undefined) return true;
  return address?.transport === "tcp" && inNetworks(address.hostname, trusted);
}

function infoOf(
  { version, source, destination, authority, uniqueId, awsEndpointId, tlvs }: ProxyHeader,
  address: SocketAddress | undefined,
): ProxyInfo {
  const info: { -readonly [Key in keyof ProxyInfo]: ProxyInfo[Key] } = {
    version,
    local: source === undefined,
    tlvs,
  };
  if (address) info.address = address;
  if (destination) info.destination = destination;
  if (authority !== undefined) info.authority = authority;
  if (uniqueId) info.uniqueId = uniqueId;
  if (awsEndpointId !== undefined) info.awsEndpointId = awsEndpointId;
  return info;
}

/** Reads up to the end of the header, and not a byte further; calls one of the two, once. */
function readHeader(
  socket: net.Socket,
  maxBytes: number,
  fail: (why: string) => void,
  done: (header: ProxyHeader) => void,
): void {
  let buffer = new Uint8Array(FIRST_BYTES);
  let filled = 0;
  const onData = (chunk: Uint8Array) => {
    // What is in front of a header that is too long is not kept either.
    const taken = chunk.subarray(0, Math.max(maxBytes, FIRST_BYTES) - filled);
    if (filled + taken.length > buffer.length) {
      const larger = new Uint8Array(Math.max(2 * buffer.length, filled + taken.length));
      larger.set(buffer.subarray(0, filled));
      buffer = larger;
    }
    buffer.set(taken, filled);
    const before = filled;
    filled += taken.length;
    const result = parseProxyHeader(buffer.subarray(0, filled), maxBytes);
    if (result.kind === "incomplete") return;
    stop();
    if (result.kind === "invalid") return fail(result.reason);
    const rest = chunk.subarray(result.length - before);
    if (rest.length > 0) socket.unshift(rest);
    done(result.header);
  };
  const onEnd = () => (stop(), fail("the peer ended before it"));
  const onError = (error: Error) => (stop(), fail(`the connection broke: ${error.message}`));
  const stop = () => {
    socket.pause();
    socket.off("data", onData).off("end", onEnd).off("error", onError).off("close", onEnd);
  };
  socket.on("data", onData).on("end", onEnd).on("error", onError).on("close", onEnd);
}
