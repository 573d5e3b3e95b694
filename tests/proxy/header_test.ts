// What is a header, and what is not.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import {
  parseProxyHeader,
  proxyHeader,
  type ProxyHeaderOptions,
} from "@protosocket/protosocket/proxy-protocol";
import { crc32c } from "../../src/adapters/proxy/_crc32c.ts";

const text = (line: string) => Uint8Array.from(line, (letter) => letter.charCodeAt(0));
const tcp = (hostname: string, port: number) => ({ transport: "tcp", hostname, port }) as const;
const ENDS = { source: tcp("192.0.2.1", 5000), destination: tcp("192.0.2.2", 443) };

/** The reason why bytes are no header. */
function refused(bytes: Uint8Array, maxBytes?: number): string {
  const result = parseProxyHeader(bytes, maxBytes);
  return result.kind === "invalid" ? result.reason : `not refused: ${result.kind}`;
}

/** A header of version 2, by hand. */
function binary(command: number, family: number, body: readonly number[], length = body.length) {
  const signature = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10];
  return Uint8Array.of(...signature, command, family, length >> 8, length & 255, ...body);
}

const V4 = [192, 0, 2, 1, 192, 0, 2, 2, 0x13, 0x88, 0x01, 0xbb];

test("PROXY header: version 1 has two addresses", () => {
  const line = "PROXY TCP4 192.0.2.1 192.0.2.2 5000 443\r\n";
  const read = { kind: "header", header: { version: 1, ...ENDS, tlvs: [] }, length: 41 } as const;
  assertEquals(parseProxyHeader(text(`${line}hello`)), read);
  assertEquals(proxyHeader({ version: 1, ...ENDS }), text(line));
  const long = "PROXY TCP6 2001:db8::1 ::ffff:192.0.2.2 0 65535\r\n";
  const result = parseProxyHeader(text(long));
  assertEquals(result.kind === "header" && result.header.source, tcp("2001:db8::1", 0));
  assertEquals(result.kind === "header" && result.header.destination?.transport, "tcp");
});

test("PROXY header: of UNKNOWN nothing else is looked at", () => {
  for (const line of ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 what ever 99999 x\r\n"]) {
    const { length } = line;
    assertEquals(parseProxyHeader(text(line)), {
      kind: "header",
      header: { version: 1, tlvs: [] },
      length,
    });
  }
  assertEquals(proxyHeader({ version: 1 }), text("PROXY UNKNOWN\r\n"));
});

for (
  const [line, reason] of [
    ["GET / HTTP/1.1\r\n", /there is none/],
    ["PROXX", /there is none/],
    ["\r\n\r\n\0\r\nQUIX", /there is none/],
    ["PROXY TCP4 192.0.2.1 192.0.2.2 5000 443\rx", /CR LF/],
    ["PROXY TCP5 192.0.2.1 192.0.2.2 5000 443\r\n", /family/],
    ["PROXY  TCP4 192.0.2.1 192.0.2.2 5000 443\r\n", /family/],
    ["PROXY TCP4 192.0.2.1 192.0.2.2 5000\r\n", /two addresses/],
    ["PROXY TCP4 192.0.2.1 192.0.2.2 5000 443 1\r\n", /two addresses/],
    ["PROXY TCP4 192.0.2.01 192.0.2.2 5000 443\r\n", /not one of TCP4/],
    ["PROXY TCP4 192.0.2.256 192.0.2.2 5000 443\r\n", /not one of TCP4/],
    ["PROXY TCP4 example.com 192.0.2.2 5000 443\r\n", /not one of TCP4/],
    ["PROXY TCP4 192.0.2.1 192.0.2.2 05000 443\r\n", /not one of TCP4/],
    ["PROXY TCP4 192.0.2.1 192.0.2.2 65536 443\r\n", /not one of TCP4/],
    ["PROXY TCP4 192.0.2.1 192.0.2.2 +1 443\r\n", /not one of TCP4/],
    ["PROXY TCP4 ::1 ::1 5000 443\r\n", /not one of TCP4/],
    ["PROXY TCP6 192.0.2.1 192.0.2.2 5000 443\r\n", /not one of TCP6/],
    ["PROXY TCP6 :::1 ::1 5000 443\r\n", /not one of TCP6/],
    ["PROXY TCP6 fe80::1%eth0 ::1 5000 443\r\n", /not one of TCP6/],
    [`PROXY UNKNOWN ${"x".repeat(92)}\r\n`, /longer than 107/],
    [`PROXY ${"x".repeat(101)}`, /longer than 107/],
  ] as const
) {
  test(`PROXY header: refused: ${JSON.stringify(line)}`, () => {
    assertMatch(refused(text(line)), reason);
  });
}

test("PROXY header: the longest line has 107 bytes", () => {
  const line = `PROXY UNKNOWN ${"x".repeat(91)}\r\n`;
  assertEquals(line.length, 107);
  assertEquals(parseProxyHeader(text(line)).kind, "header");
  assertEquals(parseProxyHeader(text(line.slice(0, 106))).kind, "incomplete");
});

test("PROXY header: version 2, of each family", () => {
  const unix = (path: string) => ({ transport: "unix", path }) as const;
  const all: ProxyHeaderOptions[] = [
    ENDS,
    { source: tcp("2001:db8::1", 1), destination: tcp("fe80::2:0:0:3", 65535) },
    { source: tcp("::", 1), destination: tcp("::1", 2) },
    { source: unix("/run/a"), destination: unix("x".repeat(108)) },
    {},
  ];
  for (const options of all) {
    const bytes = proxyHeader(options);
    const { length } = bytes;
    const header = { version: 2 as const, ...options, tlvs: [] };
    assertEquals(parseProxyHeader(bytes), { kind: "header", header, length });
  }
  assertEquals(proxyHeader(ENDS), binary(0x21, 0x11, V4));
  const mixed = proxyHeader({ source: tcp("192.0.2.1", 1), destination: tcp("2001:db8::1", 2) });
  const result = parseProxyHeader(mixed);
  assertEquals(result.kind === "header" && result.header.source, tcp("::ffff:192.0.2.1", 1));
});

test("PROXY header: version 2, all values", () => {
  const uniqueId = Uint8Array.of(1, 2, 3);
  const bytes = proxyHeader({
    ...ENDS,
    authority: "exämple.com",
    uniqueId,
    awsEndpointId: "vpce-08d2bf15fac5001c9",
    tlvs: [{ type: 4, value: new Uint8Array(3) }, { type: 0xee, value: Uint8Array.of(1, 9) }],
    checksum: true,
  });
  const result = parseProxyHeader(bytes);
  if (result.kind !== "header") throw new Error(JSON.stringify(result));
  const { tlvs, ...header } = result.header;
  const named = { authority: "exämple.com", uniqueId, awsEndpointId: "vpce-08d2bf15fac5001c9" };
  assertEquals(header, { version: 2, ...ENDS, ...named });
  assertEquals(tlvs.map(({ type }) => type), [2, 5, 0xea, 4, 0xee, 3]);
  // What another program may write into does not change what was read.
  bytes.fill(0);
  assertEquals([...uniqueId], [1, 2, 3]);
  assertEquals(result.header.uniqueId, uniqueId);
});

test("PROXY header: a proxy that connects for itself may say what it likes", () => {
  for (const family of [0, 0x11, 0xff]) {
    const bytes = binary(0x20, family, [1, 2, 3]);
    const header = { version: 2 as const, tlvs: [] };
    assertEquals(parseProxyHeader(bytes), { kind: "header", header, length: 19 });
  }
});

test("PROXY header: without a family, the values count", () => {
  const result = parseProxyHeader(binary(0x21, 0, [2, 0, 1, 97]));
  assertEquals(result.kind === "header" && result.header.authority, "a");
  assertEquals(result.kind === "header" && result.header.source, undefined);
});

for (
  const [what, bytes, reason] of [
    ["version 1 in binary", binary(0x11, 0x11, V4), /version or its command/],
    ["an unknown command", binary(0x22, 0x11, V4), /version or its command/],
    ["an unknown family", binary(0x21, 0x41, V4), /family/],
    ["datagrams", binary(0x21, 0x12, V4), /family/],
    ["too short", binary(0x21, 0x11, V4.slice(1)), /too short for its addresses/],
    ["a value that is cut off", binary(0x21, 0x11, [...V4, 4, 0]), /cut off/],
    ["a value that is too long", binary(0x21, 0x11, [...V4, 4, 0, 1]), /longer than the header/],
    ["a sum of 3 bytes", binary(0x21, 0x11, [...V4, 3, 0, 3, 1, 2, 3]), /checksum/],
    ["a wrong sum", binary(0x21, 0x11, [...V4, 3, 0, 4, 1, 2, 3, 4]), /checksum.*wrong/],
    ["a long id", binary(0x21, 0, [5, 0, 129, ...Array(129).fill(0)]), /129 bytes/],
    ["no UTF-8", binary(0x21, 0, [2, 0, 1, 0xff]), /not UTF-8/],
    ["no text of AWS", binary(0x21, 0, [0xea, 0, 2, 1, 0xff]), /not text/],
    ["4097 bytes", binary(0x21, 0, [], 4081), /4097 bytes, and may have 4096/],
  ] as const
) {
  test(`PROXY header: refused: ${what}`, () => {
    assertMatch(refused(bytes), reason);
  });
}

test("PROXY header: what is too long is refused as soon as it says so", () => {
  assertEquals(parseProxyHeader(binary(0x21, 0x11, [], 4080)).kind, "incomplete");
  assertMatch(refused(binary(0x21, 0x11, [], 12), 27), /28 bytes, and may have 27/);
  assertEquals(parseProxyHeader(binary(0x21, 0x11, [], 65535), 65551).kind, "incomplete");
});

test("PROXY header: each wrong bit is noticed by the checksum", () => {
  const bytes = proxyHeader({
    ...ENDS,
    tlvs: [{ type: 4, value: Uint8Array.of(7) }],
    checksum: true,
  });
  for (let bit = 16 * 8; bit < bytes.length * 8; bit++) {
    const wrong = bytes.slice();
    wrong[bit >> 3]! ^= 1 << (bit & 7);
    // A bit in the checksum's own type makes it another value.
    const result = parseProxyHeader(wrong);
    const seen = result.kind === "invalid" ||
      (result.kind === "header" && !result.header.tlvs.some(({ type }) => type === 3));
    assertEquals(seen, true, `bit ${bit}`);
  }
});

test("CRC32C: the vectors of RFC 3720", () => {
  assertEquals(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assertEquals(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
  assertEquals(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  assertEquals(crc32c(text("123456789")), 0xe3069283);
});

for (
  const [what, options, says] of [
    ["half of the ends", { source: ENDS.source }, /both source and destination/],
    ["a name", { source: tcp("localhost", 1), destination: tcp("::1", 1) }, /not localhost/],
    ["a port", { ...ENDS, source: tcp("192.0.2.1", 65536) }, /65536/],
    ["mixed ends", { ...ENDS, source: { transport: "unix", path: "/a" } }, /both be of TCP/],
    ["a long id", { ...ENDS, uniqueId: new Uint8Array(129) }, /129/],
    ["a type", { ...ENDS, tlvs: [{ type: 256, value: new Uint8Array() }] }, /256/],
    ["its own sum", { ...ENDS, tlvs: [{ type: 3, value: new Uint8Array(4) }] }, /checksum/],
    ["a large value", { tlvs: [{ type: 4, value: new Uint8Array(65533) }] }, /64 KiB/],
    ["a version", { ...ENDS, version: 3 as 2 }, /version/],
    ["values in version 1", { ...ENDS, version: 1, authority: "a" }, /version 2/],
  ] as [string, ProxyHeaderOptions, RegExp][]
) {
  test(`proxyHeader refuses ${what}`, () => {
    try {
      proxyHeader(options);
    } catch (error) {
      assert(error instanceof TypeError || error instanceof RangeError);
      return assertMatch((error as Error).message, says);
    }
    throw new Error("It was made");
  });
}
