// The services that say how a server is, and what it has.
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { createClient, Health, health } from "@protosocket/protosocket/services";
import { reflection, ServerReflection } from "@protosocket/protosocket/services-protobuf-es";
import { soon } from "../support/within.ts";
import { Prices as PricesDesc } from "./proto/gen/prices_pb.ts";
import { all, fails, memoryTest, Prices } from "./support.ts";

memoryTest("health: what was set, of the server and of services", async (inMemory) => {
  const own = health();
  const client = createClient(Health, inMemory([own]));
  const long = "x".repeat(200);
  own.set("a.B", "not-serving");
  own.set(long, "serving");
  assertEquals(await soon(client.check({}), "it"), { status: "serving" });
  assertEquals(await soon(client.check({ service: "a.B" }), "it"), { status: "not-serving" });
  assertEquals(await soon(client.check({ service: long }), "it"), { status: "serving" });
  await fails(client.check({ service: "other" }), "not-found");
});

memoryTest(
  "health: a watcher hears of each change, and of a service that is not known yet",
  async (inMemory) => {
    const own = health();
    const client = createClient(Health, inMemory([own]));
    const stream = client.watch({ service: "a.B" });
    const next = async () => (await soon(stream.next(), "a status")).value?.status;
    assertEquals(await next(), "service-unknown");
    own.set("a.B", "serving");
    assertEquals(await next(), "serving");
    own.set("c.D", "serving");
    own.set("a.B", "not-serving");
    assertEquals(await next(), "not-serving");
    await stream.return!();
  },
);

test("reflection: what is no generated service is refused", () => {
  const wrong: [services: unknown, told: string][] = [
    [undefined, "services must be an array, not undefined"],
    [PricesDesc, "services must be an array, not an object"],
    [[Prices], "services[0] must be what protoc-gen-es generated, not an object"],
    [[PricesDesc, 5], "services[1] must be what protoc-gen-es generated, not 5"],
  ];
  for (const [services, told] of wrong) {
    assertThrows(() => reflection(services as []), TypeError, told);
  }
});

memoryTest("reflection: services, and files by name and by symbol", async (inMemory) => {
  const client = createClient(ServerReflection, inMemory([reflection([PricesDesc])]));
  const answers = await soon(
    all(client.serverReflectionInfo([
      { kind: "services", name: "" },
      { kind: "symbol", name: "protosocket.test.Quote" },
      { kind: "symbol", name: "protosocket.test.Prices.Trade" },
      { kind: "file", name: "prices.proto" },
      { kind: "file", name: "other.proto" },
      { kind: "other", name: "protosocket.test.Quote" },
    ])),
    "the answers",
  );
  assertEquals(answers[0]!.services, ["protosocket.test.Prices"]);
  for (const { files } of answers.slice(1, 4)) {
    const [file] = files!.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
    assertEquals(file!.service.map(({ name }) => name), ["Prices"]);
  }
  assertEquals(answers.slice(4).map(({ error }) => error?.code), [5, 12]);
});
