import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { inNetworks, ipBytes, ipNetwork, ipText } from "../../src/ip_networks.ts";

test("addresses: text and bytes", () => {
  for (
    const text of [
      "0.0.0.0",
      "192.0.2.255",
      "::",
      "::1",
      "2001:db8::1",
      "1::",
      "1:2:3:4:5:6:7:8",
      "2001:db8:0:1:1:1:1:1",
      "2001:0:0:1::1",
      "fe80::1:0:0:2",
    ]
  ) {
    assertEquals(ipText(ipBytes(text)!), text);
  }
  assertEquals(ipText(ipBytes("FE80::1%eth0")!), "fe80::1");
  assertEquals(ipText(ipBytes("::ffff:10.0.0.1")!), "10.0.0.1");
  assertEquals(ipText(ipBytes("64:ff9b::10.0.0.1")!), "64:ff9b::a00:1");
});

test("addresses: what is none", () => {
  const none = [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "1.2.3.256",
    "1.2.3.-4",
    "localhost",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "12345::",
    "g::",
    "::1.2.3",
    "::1.2.3.256",
    "1.2.3.4::",
  ];
  for (const text of none) assertEquals(ipBytes(text), undefined, text);
});

test("networks: what belongs to them", () => {
  const inside = (network: string, address: string) => inNetworks(address, [ipNetwork(network)!]);
  assert(inside("10.0.0.0/8", "10.255.0.1"));
  assert(inside("10.0.0.0/8", "::ffff:10.1.2.3"));
  assert(!inside("10.0.0.0/8", "11.0.0.0"));
  assert(inside("192.0.2.128/25", "192.0.2.128"));
  assert(!inside("192.0.2.128/25", "192.0.2.127"));
  assert(inside("192.0.2.1", "192.0.2.1"));
  assert(!inside("192.0.2.1", "192.0.2.0"));
  assert(inside("0.0.0.0/0", "1.2.3.4"));
  assert(!inside("0.0.0.0/0", "2001:db8::1"));
  assert(inside("::/0", "2001:db8::1"));
  assert(inside("2001:db8::/33", "2001:db8:7fff::1"));
  assert(!inside("2001:db8::/33", "2001:db8:8000::1"));
  assert(inside("fe80::/10", "fe80::1%eth0"));
  assert(inside("::ffff:10.0.0.0/104", "10.9.9.9"));
  assert(!inside("10.0.0.0/8", "localhost"));
});

test("networks: what is none", () => {
  for (
    const text of [
      "10.0.0.1/8",
      "10.0.0.0/33",
      "10.0.0.0/",
      "10.0.0.0/08",
      "10.0.0.0/8/8",
      "::/129",
      "",
      "fe80::1%eth0",
      "localhost",
      "::ffff:10.0.0.0/8",
      7,
      null,
    ]
  ) {
    assertEquals(ipNetwork(text), undefined, String(text));
  }
});
