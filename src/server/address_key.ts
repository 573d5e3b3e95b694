import type { SocketAddress } from "../socket_address.ts";

/** What counts as one address; `undefined` for Unix sockets, and for a peer that has already gone. */
export function addressKey(address: SocketAddress | undefined): string | undefined {
  if (address?.transport !== "tcp") return undefined;
  const { hostname } = address;
  if (!hostname.includes(":")) return hostname;
  // An IPv4-mapped address.
  if (hostname.includes(".")) return hostname.slice(hostname.lastIndexOf(":") + 1);
  // An IPv6 customer gets at least a /64, and may use any address in it.
  const [head = "", tail] = hostname.replace(/%.*/, "").toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? [] : tail.split(":");
    while (groups.length + after.length < 8) groups.push("0");
    groups.push(...after);
  }
  return `${groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(":")}::/64`;
}
