import { ipText, ipv4Bytes, ipv6Bytes } from "../../ip_networks.ts";
import type { SocketAddress } from "../../socket_address.ts";
import type { ProxyTlv } from "../../duplex/peer.ts";
import { integer, wrong } from "../../check.ts";
import { crc32c } from "./_crc32c.ts";
import {
  AWS_VPC_ENDPOINT,
  FIXED_BYTES,
  MAX_HEADER,
  MAX_UNIQUE_ID,
  SIGNATURE,
  TCP4,
  TCP6,
  TLV_AUTHORITY,
  TLV_AWS,
  TLV_CRC32C,
  TLV_UNIQUE_ID,
  UNIX,
  UNIX_PATH_BYTES,
  UNSPEC,
} from "./_wire.ts";

/** What {@linkcode proxyHeader} says of a connection. */
export interface ProxyHeaderOptions {
  /**
   * The version of the header. Version 1 has no room for Unix sockets and additional values.
   *
   * @default {2}
   */
  readonly version?: 1 | 2;
  /**
   * The client's address.
   *
   * @default {undefined} the proxy connects for itself, as for a health check
   */
  readonly source?: SocketAddress;
  /** What the client connected to. Required with `source`. */
  readonly destination?: SocketAddress;
  /** The host name that the client asked for. */
  readonly authority?: string;
  /** What the proxy calls the connection: at most 128 bytes. */
  readonly uniqueId?: Uint8Array;
  /** The VPC endpoint that the client came through. */
  readonly awsEndpointId?: string;
  /** Other values. */
  readonly tlvs?: readonly ProxyTlv[];
  /**
   * Adds a checksum (CRC32C) to a header of version 2.
   *
   * @default {false}
   */
  readonly checksum?: boolean;
}

/**
 * Makes a PROXY protocol header: the first bytes that a proxy sends to a server, before those
 * of the client. Throws a `TypeError` or a `RangeError` for what a header cannot say.
 *
 * @example
 * ```ts
 * import { proxyHeader } from "@protosocket/protosocket/proxy-protocol";
 *
 * const header = proxyHeader({
 *   source: { transport: "tcp", hostname: "192.0.2.1", port: 5000 },
 *   destination: { transport: "tcp", hostname: "192.0.2.2", port: 443 },
 *   authority: "example.com",
 * });
 * console.log(header.length);
 * ```
 */
export function proxyHeader(options: ProxyHeaderOptions): Uint8Array {
  const { version = 2, source, destination } = options;
  if (version !== 1 && version !== 2) throw wrong(`version must be 1 or 2, not ${version}`);
  if ((source === undefined) !== (destination === undefined)) {
    throw wrong("Either both source and destination must be given, or none of them");
  }
  const ends = source && destination ? { source, destination } : undefined;
  return version === 1 ? line(options, ends) : binary(options, ends);
}

interface Ends {
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
}

function line(options: ProxyHeaderOptions, ends: Ends | undefined): Uint8Array {
  const { authority, uniqueId, awsEndpointId, tlvs, checksum } = options;
  if (authority ?? uniqueId ?? awsEndpointId ?? tlvs ?? (checksum || undefined)) {
    throw wrong("Version 1 has addresses only: additional values need version 2");
  }
  if (!ends) return new TextEncoder().encode("PROXY UNKNOWN\r\n");
  const { family, bytes } = addressesOf(ends);
  if (family === UNIX) throw wrong("Version 1 has no addresses of Unix sockets");
  const size = (bytes.length - 4) / 2;
  const view = new DataView(bytes.buffer);
  const words = [
    "PROXY",
    family === TCP4 ? "TCP4" : "TCP6",
    ipText(bytes.subarray(0, size)),
    ipText(bytes.subarray(size, 2 * size)),
    view.getUint16(2 * size),
    view.getUint16(2 * size + 2),
  ];
  return new TextEncoder().encode(`${words.join(" ")}\r\n`);
}

function binary(options: ProxyHeaderOptions, ends: Ends | undefined): Uint8Array {
  const { family, bytes } = ends ? addressesOf(ends) : { family: UNSPEC, bytes: new Uint8Array() };
  const tlvs = tlvsOf(options);
  // A header without a source is LOCAL, of which receivers look at nothing.
  const length = tlvs.reduce((sum, { value }) => sum + 3 + value.length, bytes.length);
  if (FIXED_BYTES + length > MAX_HEADER) throw wrong("The header would have over 64 KiB");
  const header = new Uint8Array(FIXED_BYTES + length);
  const view = new DataView(header.buffer);
  header.set(SIGNATURE);
  header[12] = ends ? 0x21 : 0x20;
  header[13] = family;
  view.setUint16(14, length);
  header.set(bytes, FIXED_BYTES);
  let at = FIXED_BYTES + bytes.length;
  let sumAt: number | undefined;
  for (const { type, value } of tlvs) {
    header[at] = type;
    view.setUint16(at + 1, value.length);
    header.set(value, at + 3);
    if (type === TLV_CRC32C) sumAt = at + 3;
    at += 3 + value.length;
  }
  if (sumAt !== undefined) view.setUint32(sumAt, crc32c(header));
  return header;
}

function tlvsOf(options: ProxyHeaderOptions): ProxyTlv[] {
  const { authority, uniqueId, awsEndpointId, tlvs = [], checksum = false } = options;
  const all: ProxyTlv[] = [];
  if (authority !== undefined) {
    all.push({ type: TLV_AUTHORITY, value: new TextEncoder().encode(authority) });
  }
  if (uniqueId !== undefined) {
    if (uniqueId.length > MAX_UNIQUE_ID) {
      throw wrong(`uniqueId may have ${MAX_UNIQUE_ID} bytes, not ${uniqueId.length}`);
    }
    all.push({ type: TLV_UNIQUE_ID, value: uniqueId });
  }
  if (awsEndpointId !== undefined) {
    const text = new TextEncoder().encode(awsEndpointId);
    all.push({ type: TLV_AWS, value: Uint8Array.of(AWS_VPC_ENDPOINT, ...text) });
  }
  for (const { type, value } of tlvs) {
    integer("The type of a value", type, 0, 255);
    if (type === TLV_CRC32C) throw wrong("The checksum is made by the option checksum");
    all.push({ type, value });
  }
  if (checksum) all.push({ type: TLV_CRC32C, value: new Uint8Array(4) });
  return all;
}

/** Both addresses in the form of version 2. */
function addressesOf({ source, destination }: Ends): { family: number; bytes: Uint8Array } {
  if (source.transport === "unix" && destination.transport === "unix") {
    const bytes = new Uint8Array(2 * UNIX_PATH_BYTES);
    bytes.set(pathBytes(source.path));
    bytes.set(pathBytes(destination.path), UNIX_PATH_BYTES);
    return { family: UNIX, bytes };
  }
  if (source.transport === "unix" || destination.transport === "unix") {
    throw wrong("source and destination must both be of TCP, or both of Unix sockets");
  }
  const short = [ipv4Bytes(source.hostname), ipv4Bytes(destination.hostname)];
  const both = short[0] && short[1] ? short as Uint8Array[] : [source, destination].map(longBytes);
  const size = both[0]!.length;
  const bytes = new Uint8Array(2 * size + 4);
  bytes.set(both[0]!);
  bytes.set(both[1]!, size);
  const view = new DataView(bytes.buffer);
  view.setUint16(2 * size, portOf(source));
  view.setUint16(2 * size + 2, portOf(destination));
  return { family: size === 4 ? TCP4 : TCP6, bytes };
}

/** 16 bytes, also of an IPv4 address, whose other end has one of IPv6. */
function longBytes({ hostname }: { readonly hostname: string }): Uint8Array {
  const bytes = ipv6Bytes(hostname) ?? ipv6Bytes(`::ffff:${hostname}`);
  if (bytes) return bytes;
  throw wrong(`A header has numeric addresses, not ${hostname}`);
}

function portOf({ port }: { readonly port: number }): number {
  return integer("port", port, 0, 65535);
}

function pathBytes(path: string): Uint8Array {
  const bytes = new TextEncoder().encode(path);
  if (bytes.length <= UNIX_PATH_BYTES) return bytes;
  throw wrong(`The path of a Unix socket may have ${UNIX_PATH_BYTES} bytes: ${path}`);
}
