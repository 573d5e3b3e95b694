/** A network: the first `bits` bits of its addresses are those of `bytes`. */
export interface IpNetwork {
  /** 4 bytes, or 16. */
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/**
 * The bytes of a numeric address: 4, also for an IPv6 address that stands for one of IPv4
 * (`::ffff:10.0.0.1`), or 16. `undefined` for anything else, such as a host name.
 */
export function ipBytes(text: string): Uint8Array | undefined {
  const bytes = text.includes(":") ? ipv6Bytes(text) : ipv4Bytes(text);
  return bytes && isMapped(bytes) ? bytes.subarray(12) : bytes;
}

/** The bytes of an IPv4 address: four numbers without leading zeros. */
export function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  if (!parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return Uint8Array.from(parts, Number);
}

/** The bytes of an IPv6 address; a zone (`%eth0`) is left out. */
export function ipv6Bytes(text: string): Uint8Array | undefined {
  let address = text.replace(/%[^%]+$/, "");
  const dotted = /^(.*:)([\d.]+\.[\d.]+)$/.exec(address);
  if (dotted) {
    const [a, b, c, d] = ipv4Bytes(dotted[2]!) ?? [];
    if (d === undefined) return undefined;
    address = `${dotted[1]}${(a! * 256 + b!).toString(16)}:${(c! * 256 + d).toString(16)}`;
  }
  const halves = address.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => half === "" ? [] : half.split(":")) as string[][];
  const given = head!.length + (tail?.length ?? 0);
  if (tail ? given > 7 : given !== 8) return undefined;
  const groups = [...head!, ...Array(8 - given).fill("0"), ...tail ?? []];
  const bytes = new Uint8Array(16);
  for (const [i, group] of groups.entries()) {
    if (!/^[\da-f]{1,4}$/i.test(group)) return undefined;
    const value = parseInt(group, 16);
    bytes[2 * i] = value >> 8;
    bytes[2 * i + 1] = value & 255;
  }
  return bytes;
}

/** The text of an address of 4 or 16 bytes, as runtimes write it. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (isMapped(bytes)) return `::ffff:${bytes.subarray(12).join(".")}`;
  const groups = Array.from({ length: 8 }, (_, i) => bytes[2 * i]! * 256 + bytes[2 * i + 1]!);
  // The longest run of zeros, the first one of several, is written as "::".
  let start = 0;
  let longest = 0;
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (to < 8 && groups[to] === 0) to++;
    if (to - from > longest) [start, longest] = [from, to - from];
  }
  const text = (some: number[]) => some.map((group) => group.toString(16)).join(":");
  if (longest < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + longest))}`;
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes.subarray(0, 10).every((byte) => byte === 0) &&
    bytes[10] === 255 && bytes[11] === 255;
}

/**
 * Reads `10.0.0.0/8`, `fd00::/8` or a single address. `undefined` for anything else, also for
 * an address with bits that the prefix leaves out: it may be a slip.
 */
export function ipNetwork(text: unknown): IpNetwork | undefined {
  if (typeof text !== "string") return undefined;
  const [address = "", prefix, ...more] = text.split("/");
  const bytes = address.includes("%") ? undefined : ipBytes(address);
  if (!bytes || more.length > 0) return undefined;
  let bits = bytes.length * 8;
  if (prefix !== undefined) {
    if (!/^(0|[1-9]\d{0,2})$/.test(prefix)) return undefined;
    bits = Number(prefix) - (address.includes(":") && bytes.length === 4 ? 96 : 0);
  }
  if (bits < 0 || bits > bytes.length * 8) return undefined;
  for (let bit = bits; bit < bytes.length * 8; bit++) {
    if (bytes[bit >> 3]! & (128 >> (bit & 7))) return undefined;
  }
  return { bytes, bits };
}

/** Whether an address, in text, belongs to one of the networks. */
export function inNetworks(hostname: string, networks: readonly IpNetwork[]): boolean {
  if (networks.length === 0) return false;
  const address = ipBytes(hostname);
  return address !== undefined && networks.some((network) => contains(network, address));
}

function contains({ bytes, bits }: IpNetwork, address: Uint8Array): boolean {
  if (address.length !== bytes.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== bytes[i]) return false;
  const rest = 0xff & ~(0xff >> (bits & 7));
  return rest === 0 || (address[whole]! & rest) === bytes[whole];
}

let local: IpNetwork[] | undefined;

/**
 * The networks of this machine (127.0.0.0/8, ::1), of links, and those that are not routed on the
 * internet: private ones, and the one that carriers and clouds use for themselves (100.64.0.0/10).
 */
export function localNetworks(): readonly IpNetwork[] {
  return local ??= [
    "127.0.0.0/8",
    "::1",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "fc00::/7",
    "fe80::/10",
  ].map((text) => ipNetwork(text)!);
}
