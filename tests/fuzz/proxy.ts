// PROXY protocol headers: those that were made, and what becomes of them when bytes change.
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { SocketAddress } from "@protosocket/protosocket";
import {
  parseProxyHeader,
  proxyHeader,
  type ProxyHeaderOptions,
} from "@protosocket/protosocket/proxy-protocol";

const MAX_BYTES = 4096;

const port = fc.nat(65535);
const tcp = (hostname: fc.Arbitrary<string>): fc.Arbitrary<SocketAddress> =>
  fc.record({ transport: fc.constant("tcp" as const), hostname, port });
const unix: fc.Arbitrary<SocketAddress> = fc.record({
  transport: fc.constant("unix" as const),
  path: fc.string({ maxLength: 100 }).map((path) => path.replaceAll("\0", "/")),
});
const address = fc.oneof(tcp(fc.ipV4()), tcp(fc.ipV6()), unix);
const bytes = fc.uint8Array({ maxLength: 128 });

const options: fc.Arbitrary<ProxyHeaderOptions> = fc.record({
  version: fc.constant(2 as const),
  source: address,
  destination: address,
  authority: fc.string({ maxLength: 64 }),
  uniqueId: bytes,
  awsEndpointId: fc.string({ maxLength: 64 }),
  tlvs: fc.array(fc.record({ type: fc.nat(255), value: bytes }), { maxLength: 4 }),
  checksum: fc.boolean(),
}, { requiredKeys: [] });

/** Bytes of a header, and of what comes after it. */
const made: fc.Arbitrary<Uint8Array> = fc.tuple(options, fc.boolean(), fc.uint8Array())
  .map(([wanted, short, rest]) => Uint8Array.of(...header(wanted, short), ...rest));

/** The header, or the nearest that can be made. */
function header(wanted: ProxyHeaderOptions, short: boolean): Uint8Array {
  try {
    return proxyHeader(short ? { ...wanted, version: 1 } : wanted);
  } catch {
    const ends = { hostname: "192.0.2.1", port: 1, transport: "tcp" as const };
    return proxyHeader({ version: short ? 1 : 2, source: ends, destination: ends });
  }
}

/** Some of the bytes become others. */
const changed: fc.Arbitrary<Uint8Array> = fc.tuple(
  made,
  fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 3 }),
).map(([bytes, changes]) => {
  for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
  return bytes;
});

/**
 * Whatever the bytes: nothing is thrown, each beginning is incomplete until the verdict is
 * there, more bytes do not change it, and a header is no longer than what there is.
 */
export function headerHolds(): fc.IAsyncProperty<[Uint8Array]> {
  const input = fc.oneof(changed, made, fc.uint8Array({ maxLength: 200 }));
  // deno-lint-ignore require-await
  return fc.asyncProperty(input, async (bytes) => {
    const whole = parseProxyHeader(bytes, MAX_BYTES);
    let length = 0;
    while (length <= bytes.length) {
      const part = parseProxyHeader(bytes.slice(0, length), MAX_BYTES);
      if (part.kind !== "incomplete") {
        assertEquals(part, whole);
        break;
      }
      length++;
    }
    assertEquals(whole.kind === "incomplete", length > bytes.length);
    if (whole.kind === "header") assertEquals(length, whole.length);
    else assert(length <= MAX_BYTES);
  });
}

/** What is said in a header is read from it. */
export function headerIsRead(): fc.IAsyncProperty<[ProxyHeaderOptions]> {
  // deno-lint-ignore require-await
  return fc.asyncProperty(options, async (wanted) => {
    let bytes: Uint8Array;
    try {
      bytes = proxyHeader(wanted);
    } catch (error) {
      return assert(error instanceof TypeError || error instanceof RangeError);
    }
    const result = parseProxyHeader(bytes, 65551);
    // Values of the types that have a form may have another one.
    if (result.kind === "invalid") return assert(wanted.tlvs?.some(({ type }) => type !== 4));
    assert(result.kind === "header");
    assertEquals(result.length, bytes.length);
    assertEquals(result.header.source === undefined, wanted.source === undefined);
    if (!wanted.source || wanted.tlvs?.length) return;
    const { authority, uniqueId, awsEndpointId } = result.header;
    assertEquals([authority, uniqueId, awsEndpointId], [
      wanted.authority,
      wanted.uniqueId,
      wanted.awsEndpointId,
    ]);
  });
}
