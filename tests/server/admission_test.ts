// How many connections may come from one address, and whose addresses are not counted.
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { test } from "node:test";
import { serve, type ServeOptions } from "@protosocket/protosocket";
import { Admission } from "../../src/server/_admission.ts";
import { framesCodec } from "../support/framing.ts";
import { memoryListener } from "../support/memory_listener.ts";

const tcp = (hostname: string) => ({ transport: "tcp", hostname, port: 1 }) as const;

/** How many connections of an address get in, of one more than the default. */
function admitted(hostname: string, options: ServeOptions): number {
  const admission = new Admission(options);
  let count = 0;
  while (count < 1001 && !admission.enter(tcp(hostname))) count++;
  return count;
}

const LOCAL = [
  ...["127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.7.7"],
  ...["100.64.0.1", "169.254.1.1", "fd12::1", "fe80::1%eth0", "::ffff:10.0.0.1"],
];

test("admission: by default, addresses of private networks are not limited", () => {
  for (const address of LOCAL) assertEquals(admitted(address, {}), 1001, address);
  for (const address of ["192.0.2.1", "172.32.0.1", "100.128.0.1", "2001:db8::1", "::2"]) {
    assertEquals(admitted(address, {}), 1000, address);
  }
});

test("admission: a number that is given is for all addresses", () => {
  for (const address of LOCAL) {
    assertEquals(admitted(address, { maxConnectionsPerAddress: 7 }), 7, address);
  }
});

test("admission: trusted proxies do not count", () => {
  const options = {
    maxConnectionsPerAddress: 7,
    trustedProxies: ["203.0.113.0/24", "2001:db8::/32"],
  };
  assertEquals(admitted("203.0.113.9", options), 1001);
  assertEquals(admitted("2001:db8:9::9", options), 1001);
  assertEquals(admitted("203.0.114.9", options), 7);
  assertEquals(admitted("10.0.0.1", options), 7);
});

test("admission: what does not count leaves no trace", () => {
  const admission = new Admission({ maxConnections: 2, trustedProxies: ["192.0.2.0/24"] });
  for (let round = 0; round < 3; round++) {
    assertEquals(admission.enter(tcp("192.0.2.1")), undefined);
    assertEquals(admission.enter(tcp("192.0.2.1")), undefined);
    assertMatch(admission.enter(tcp("192.0.2.1"))!.message, /as many as maxConnections$/);
    admission.leave(tcp("192.0.2.1"));
    admission.leave(tcp("192.0.2.1"));
  }
});

test("admission: a refusal names the option, the address and the cure", () => {
  const admission = new Admission({ maxConnectionsPerAddress: 1 });
  admission.enter(tcp("192.0.2.1"));
  const error = admission.enter(tcp("192.0.2.1"));
  assertEquals([error?.code, error?.remoteAddress], ["too-many-connections", tcp("192.0.2.1")]);
  for (const word of ["192.0.2.1", "maxConnectionsPerAddress", "proxyProtocol", "trustedProxies"]) {
    assert(error!.message.includes(word), word);
  }
});

test("admission: wrong networks are refused by name", () => {
  const connector = () => ({
    codec: framesCodec(),
    reactor: () => ({ onInboundMessage: () => {} }),
  });
  for (const wrong of ["10.0.0.0/8", ["10.0.0.1/8"], ["localhost"], [7], null]) {
    const options = { trustedProxies: wrong } as unknown as ServeOptions;
    assertThrows(() => serve(memoryListener(), connector, options), TypeError, "trustedProxies");
  }
});
