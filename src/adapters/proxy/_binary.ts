import type { ProxyTlv } from "../../duplex/peer.ts";
import { ipText } from "../../ip_networks.ts";
import type { SocketAddress } from "../../socket_address.ts";
import { crc32c } from "./_crc32c.ts";
import { INCOMPLETE, invalidHeader, type ProxyHeader, type ProxyHeaderResult } from "./_result.ts";
import {
  AWS_VPC_ENDPOINT,
  FIXED_BYTES,
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

/** How many bytes the two addresses of a family take. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = {
  [UNSPEC]: 0,
  [TCP4]: 2 * (4 + 2),
  [TCP6]: 2 * (16 + 2),
  [UNIX]: 2 * UNIX_PATH_BYTES,
};
/** Type and length of a TLV. */
const TLV_HEAD = 3;

/** Reads a header of version 2. */
export function parseBinary(bytes: Uint8Array, maxBytes: number): ProxyHeaderResult {
  for (let i = 0; i < SIGNATURE.length && i < bytes.length; i++) {
    if (bytes[i] !== SIGNATURE[i]) return invalidHeader("there is none");
  }
  if (bytes.length > 12 && bytes[12] !== 0x20 && bytes[12] !== 0x21) {
    return invalidHeader(`its version or its command is unknown: 0x${bytes[12]!.toString(16)}`);
  }
  const local = bytes[12] === 0x20;
  const family = bytes[13]!;
  if (bytes.length > 13 && !local && ADDRESS_BYTES[family] === undefined) {
    return invalidHeader(`its family is unknown, or not one of streams: 0x${family.toString(16)}`);
  }
  if (bytes.length < FIXED_BYTES) return INCOMPLETE;
  const length = FIXED_BYTES + bytes[14]! * 256 + bytes[15]!;
  if (length > maxBytes) {
    return invalidHeader(`it has ${length} bytes, and may have ${maxBytes} (maxHeaderBytes)`);
  }
  const beginOfTlvs = FIXED_BYTES + (ADDRESS_BYTES[family] ?? 0);
  if (!local && length < beginOfTlvs) return invalidHeader("it is too short for its addresses");
  if (bytes.length < length) return INCOMPLETE;
  // What a proxy says of its own connection is not looked at, as the specification has it.
  if (local) return { kind: "header", header: { version: 2, tlvs: [] }, length };
  // A copy, as what follows is kept, and `bytes` may be written again.
  const whole = bytes.slice(0, length);
  const tlvs = tlvsOf(whole, beginOfTlvs);
  if (typeof tlvs === "string") return invalidHeader(tlvs);
  const known = knownOf(tlvs);
  if (typeof known === "string") return invalidHeader(known);
  const header = { version: 2 as const, ...addressesOf(whole, family), ...known, tlvs };
  return { kind: "header", header, length };
}

function addressesOf(
  whole: Uint8Array,
  family: number,
): { source?: SocketAddress; destination?: SocketAddress } {
  if (family === UNSPEC) return {};
  const size = family === TCP4 ? 4 : family === TCP6 ? 16 : UNIX_PATH_BYTES;
  const at = (index: number) => whole.subarray(FIXED_BYTES + index, FIXED_BYTES + index + size);
  if (family === UNIX) {
    return { source: unixAddress(at(0)), destination: unixAddress(at(size)) };
  }
  const ports = new DataView(whole.buffer, FIXED_BYTES + 2 * size);
  return {
    source: { transport: "tcp", hostname: ipText(at(0)), port: ports.getUint16(0) },
    destination: { transport: "tcp", hostname: ipText(at(size)), port: ports.getUint16(2) },
  };
}

function unixAddress(bytes: Uint8Array): SocketAddress {
  const end = bytes.indexOf(0);
  const path = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  return { transport: "unix", path };
}

/** The additional values, or what is wrong with them. */
function tlvsOf(whole: Uint8Array, begin: number): ProxyTlv[] | string {
  const tlvs: ProxyTlv[] = [];
  let sum: number | undefined;
  for (let at = begin; at < whole.length;) {
    if (at + TLV_HEAD > whole.length) return "its last value is cut off";
    const end = at + TLV_HEAD + whole[at + 1]! * 256 + whole[at + 2]!;
    if (end > whole.length) return "a value in it is longer than the header";
    const type = whole[at]!;
    const value = whole.subarray(at + TLV_HEAD, end);
    if (type === TLV_CRC32C) {
      if (value.length !== 4 || sum !== undefined) return "its checksum is not one of 4 bytes";
      sum = at + TLV_HEAD;
    }
    tlvs.push({ type, value });
    at = end;
  }
  return sum === undefined || sumIsRight(whole, sum) ? tlvs : "its checksum (CRC32C) is wrong";
}

/** The sum is that of the header in which the sum itself is 0. */
function sumIsRight(whole: Uint8Array, at: number): boolean {
  const blank = whole.slice().fill(0, at, at + 4);
  return crc32c(blank) === new DataView(whole.buffer).getUint32(at);
}

/** Those that have names, or what is wrong with one of them. */
function knownOf(
  tlvs: readonly ProxyTlv[],
): Pick<ProxyHeader, "authority" | "uniqueId" | "awsEndpointId"> | string {
  const known: { authority?: string; uniqueId?: Uint8Array; awsEndpointId?: string } = {};
  for (const { type, value } of tlvs) {
    if (type === TLV_AUTHORITY) {
      const authority = textOf(value);
      if (authority === undefined) return "its authority is not UTF-8";
      known.authority = authority;
    } else if (type === TLV_UNIQUE_ID) {
      if (value.length > MAX_UNIQUE_ID) return `its unique id has ${value.length} bytes`;
      known.uniqueId = value;
    } else if (type === TLV_AWS && value[0] === AWS_VPC_ENDPOINT) {
      const id = textOf(value.subarray(1));
      if (id === undefined) return "its AWS endpoint id is not text";
      known.awsEndpointId = id;
    }
  }
  return known;
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
