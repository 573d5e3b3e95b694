// Endpoints by records of a name server: SRV, and addresses with the time that they are valid.
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { TransportError } from "@protosocket/protosocket";
import { dnsTtlEndpoints, srvEndpoints } from "@protosocket/protosocket/dns";
import { RpcPool } from "@protosocket/protosocket/rpc";
import { bodyOf, Host, pass } from "../../../support/pool.ts";
import { NameServer } from "../../../support/name_server.ts";
import { body, type Message } from "../../../support/rpc.ts";
import { outcome, soon, until } from "../../../support/within.ts";

const srv = (target: string, port: number, priority = 0, weight = 0, ttl = 30) =>
  ({ type: "SRV", ttl, priority, weight, port, target }) as const;

test("srvEndpoints: names, ports, priorities and weights", async () => {
  await using server = new NameServer({
    "_echo._tcp.test": [
      srv("a.test", 9000, 1, 10),
      srv("b.test", 9001, 1, 0),
      srv("c.test", 9000, 2, 65535),
    ],
    "_gone._tcp.test": [srv(".", 0)],
    "_none._tcp.test": [],
  });
  const nameServers = [await server.listen()];
  const found = await srvEndpoints({ name: "_echo._tcp.test", nameServers })();
  assertEquals(found.sort((a, b) => a.hostname < b.hostname ? -1 : 1), [
    { hostname: "a.test", port: 9000, priority: 1, weight: 10 },
    { hostname: "b.test", port: 9001, priority: 1, weight: 0.1 },
    { hostname: "c.test", port: 9000, priority: 2, weight: 65535 },
  ]);
  for (const name of ["_gone._tcp.test", "_none._tcp.test", "_nowhere._tcp.test"]) {
    const error = await assertRejects(srvEndpoints({ name, nameServers }), TransportError, name);
    assertEquals(error.code, "not-found");
  }
});

test("dnsTtlEndpoints: addresses of both families, and how long they are valid", async () => {
  await using server = new NameServer({
    "both.test": [
      { type: "A", ttl: 20, address: [10, 0, 0, 1] },
      { type: "A", ttl: 20, address: [10, 0, 0, 2] },
      { type: "AAAA", ttl: 7, address: [...Array(15).fill(0), 1] },
    ],
    "four.test": [{ type: "A", ttl: 5, address: [10, 0, 0, 1] }],
  });
  const nameServers = [await server.listen()];
  const find = (hostname: string, family?: 4 | 6) =>
    dnsTtlEndpoints({ hostname, port: 9, nameServers, ...(family && { family }) })();
  const { endpoints, ttl } = await find("both.test");
  assertEquals(endpoints.map(({ hostname }) => hostname).sort(), ["10.0.0.1", "10.0.0.2", "::1"]);
  // Some runtimes do not tell of each family.
  assert(ttl === 7000 || ttl === 20_000 || ttl === 0, `${ttl}`);
  assertEquals((await find("four.test")).endpoints, [{ hostname: "10.0.0.1", port: 9 }]);
  for (const [name, family] of [["four.test", 6], ["nowhere.test", undefined]] as const) {
    const error = await assertRejects(() => find(name, family), TransportError, name);
    assertEquals(error.code, "not-found");
  }
});

test("a signal ends the wait for a name server that is silent, with its reason", async () => {
  await using server = new NameServer({});
  const nameServers = [await server.listen()];
  for (
    const find of [
      srvEndpoints({ name: "silent.test", nameServers }),
      dnsTtlEndpoints({ hostname: "silent.test", port: 9, nameServers }),
    ]
  ) {
    const before = AbortSignal.abort("enough");
    assertEquals(await outcome<unknown>(find({ signal: before })), {
      kind: "error",
      error: "enough",
    });
    const controller = new AbortController();
    const asked = server.asked;
    const finding = outcome<unknown>(find(controller));
    await until(() => server.asked > asked, () => "a question");
    controller.abort("enough");
    assertEquals(await soon(finding, "the end"), { kind: "error", error: "enough" });
  }
});

test("a pool heeds priorities, and how long what was found is valid", async () => {
  const hosts = new Map(["a", "b", "c"].map((name) => [name, new Host(name)]));
  let calls = 0;
  let list = [{ hostname: "a", priority: 1 }, { hostname: "b", priority: 2 }];
  const pool = new RpcPool<Message, Message, { hostname: string; priority: number }>({
    endpoints: () => (calls++, Promise.resolve({ endpoints: list, ttl: 5000 })),
    connect: ({ hostname }, { signal }) => hosts.get(hostname)!.connect({}, 65536, signal),
  });
  for (let i = 0; i < 20; i++) assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  pass(4000);
  for (let i = 0; i < 20; i++) assertEquals(await bodyOf(pool.unary(body("x"))), "a");
  assertEquals(calls, 1);
  list = [{ hostname: "c", priority: 1 }, { hostname: "b", priority: 2 }];
  pass(1001);
  await bodyOf(pool.unary(body("x")));
  assertEquals(calls, 2);
  pass(1001);
  await until(async () => await bodyOf(pool.unary(body("x"))) === "c", () => "an answer of c");
  assertEquals(hosts.get("b")!.tries, 0);
  await soon(pool.close(), "the end");
});

test("bad options are a RangeError or a TypeError", () => {
  for (const name of ["", undefined, 7]) {
    assertThrows(() => srvEndpoints({ name: name as string }), TypeError, "name");
  }
  for (const nameServers of [["nobody"], ["1.2.3"]]) {
    assertThrows(() => srvEndpoints({ name: "a", nameServers }), TypeError, "nameServers");
    const options = { hostname: "a", port: 9, nameServers };
    assertThrows(() => dnsTtlEndpoints(options), TypeError, "nameServers");
  }
  assertThrows(() => dnsTtlEndpoints({ hostname: "a", port: 0 }), RangeError, "port");
  assertThrows(() => dnsTtlEndpoints({ hostname: "", port: 1 }), TypeError, "hostname");
});
