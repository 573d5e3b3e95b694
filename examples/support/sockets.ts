import type { SocketAddress } from "@protosocket/protosocket";
import * as adapter from "@protosocket/protosocket/sockets";

/** The sockets of the runtime that this runs on, for who loads or replaces them as a whole. */
export function sockets(): Promise<typeof adapter> {
  return Promise.resolve(adapter);
}

/** Reads `host:port`, such as `127.0.0.1:9000` or `[::1]:9000`. */
export function parseAddress(address: string): { hostname: string; port: number } {
  const match = /^\[?(.+?)\]?:(\d+)$/.exec(address);
  if (match) return { hostname: match[1]!, port: Number(match[2]) };
  throw new Error(`An address is host:port, such as 127.0.0.1:9000, not ${address}`);
}

/** An address in the form that {@linkcode parseAddress} reads. */
export function formatAddress(address: SocketAddress): string {
  if (address.transport === "unix") return address.path;
  const { hostname, port } = address;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
