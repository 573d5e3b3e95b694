// Endpoints by DNS.
import { codeOf } from "../../../support/code_of.ts";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { TransportError } from "@protosocket/protosocket";
import { dnsEndpoints, type DnsOptions } from "@protosocket/protosocket/dns";
import { outcome } from "../../../support/within.ts";

test("a name is found with all its addresses, each once", async () => {
  const found = await dnsEndpoints({ hostname: "localhost", port: 7 })();
  assertEquals(found.length > 0, true);
  for (const { hostname, port } of found) {
    assertEquals([["127.0.0.1", "::1"].includes(hostname), port], [true, 7]);
  }
  assertEquals(new Set(found.map(({ hostname }) => hostname)).size, found.length);
});

test("a numeric address is taken as it is", async () => {
  for (const hostname of ["127.0.0.1", "::1", "10.1.2.3"]) {
    assertEquals(await dnsEndpoints({ hostname, port: 9 })(), [{ hostname, port: 9 }]);
  }
});

test("a name that has no address is a TransportError of code not-found", async () => {
  for (const hostname of ["nowhere.invalid", "no name"]) {
    const error = await assertRejects(
      dnsEndpoints({ hostname, port: 9 }),
      TransportError,
      hostname,
    );
    assertEquals(error.code, "not-found");
  }
});

test("a signal ends the wait with its reason", async () => {
  const find = dnsEndpoints({ hostname: "localhost", port: 9 });
  const signal = AbortSignal.abort("enough");
  assertEquals(await outcome(find({ signal })), { kind: "error", error: "enough" });
  const controller = new AbortController();
  const finding = outcome(find(controller));
  controller.abort("enough");
  assertEquals(await finding, { kind: "error", error: "enough" });
});

test("bad options are refused by name", () => {
  const good = { hostname: "localhost", port: 9 };
  const wrong: [option: string, values: unknown[]][] = [
    ["hostname", ["", undefined, 7]],
    ["port", [0, -1, 65536, 1.5, NaN, "9", undefined]],
    ["family", [0, 5, "4"]],
  ];
  for (const [option, values] of wrong) {
    for (const value of values) {
      const options = { ...good, [option]: value } as DnsOptions;
      const error = assertThrows(() => dnsEndpoints(options), Error, option);
      assertEquals(codeOf(error), "wrong-option");
    }
  }
});
