import { ipv4Bytes, ipv6Bytes } from "../../ip_networks.ts";
import type { SocketAddress } from "../../socket_address.ts";
import { INCOMPLETE, invalidHeader, type ProxyHeaderResult } from "./_result.ts";
import { MAX_LINE } from "./_wire.ts";

const PREFIX = "PROXY ";
const CR = 13;
const LF = 10;

/** Reads a header of version 1: a line of text. */
export function parseLine(bytes: Uint8Array): ProxyHeaderResult {
  for (let i = 0; i < PREFIX.length && i < bytes.length; i++) {
    if (bytes[i] !== PREFIX.charCodeAt(i)) return invalidHeader("there is none");
  }
  const room = bytes.subarray(0, MAX_LINE);
  const end = room.indexOf(CR);
  if (end < 0 || end === MAX_LINE - 1) {
    return room.length < MAX_LINE
      ? INCOMPLETE
      : invalidHeader(`its line is longer than ${MAX_LINE} bytes`);
  }
  if (end + 1 === room.length) return INCOMPLETE;
  if (room[end + 1] !== LF) return invalidHeader("its line does not end with CR LF");
  // Bytes beyond ASCII are in no address, so it does not matter what becomes of them.
  const words = String.fromCharCode(...room.subarray(PREFIX.length, end)).split(" ");
  const length = end + 2;
  if (words[0] === "UNKNOWN") return { kind: "header", header: { version: 1, tlvs: [] }, length };
  const addresses = addressesOf(words);
  if (typeof addresses === "string") return invalidHeader(addresses);
  return { kind: "header", header: { version: 1, ...addresses, tlvs: [] }, length };
}

/** The two addresses, or what is wrong. */
function addressesOf(
  words: readonly string[],
): string | { source: SocketAddress; destination: SocketAddress } {
  const [family, from, to, fromPort, toPort, ...more] = words;
  if (family !== "TCP4" && family !== "TCP6") return "its family is not TCP4, TCP6 or UNKNOWN";
  if (toPort === undefined || more.length > 0) return "it has not two addresses and two ports";
  const source = address(family, from!, fromPort!);
  const destination = address(family, to!, toPort);
  return source && destination
    ? { source, destination }
    : `an address or a port in it is not one of ${family}`;
}

function address(family: "TCP4" | "TCP6", hostname: string, port: string) {
  const isOne = family === "TCP4" ? ipv4Bytes(hostname) : ipv6Bytes(hostname);
  if (!isOne || hostname.includes("%")) return undefined;
  if (!/^(0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65535) return undefined;
  return { transport: "tcp", hostname, port: Number(port) } as const;
}
