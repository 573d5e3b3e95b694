import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { IdTable } from "../../../src/rpc/server/_id_table.ts";
import type { RpcId } from "../../../src/rpc/mod.ts";
import { withSeeds } from "../../support/random.ts";

interface Item {
  readonly id: RpcId;
}

/** Ids in a row, ids that share their lower bits, and such as are no plain number. */
const IDS: Readonly<Record<string, (i: number) => RpcId>> = {
  "in a row": (i) => i,
  "with the same lower bits": (i) => i * 2 ** 32 + 7,
  "beyond 2^53": (i) => 2n ** 60n + BigInt(i),
  "of both kinds": (i) => i % 2 ? i : 2n ** 63n + (BigInt(i) << 32n),
};

for (const [kind, id] of Object.entries(IDS)) {
  test(`ids ${kind}: finds exactly what a Map finds`, () =>
    // deno-lint-ignore require-await
    withSeeds(3, async (random) => {
      const table = new IdTable<Item>();
      const map = new Map<RpcId, Item>();
      for (let step = 0; step < 20_000; step++) {
        const item = { id: id(random.below(300)) };
        const before = map.get(item.id);
        assertStrictEquals(table.get(item.id), before);
        // Now fuller, now emptier.
        if (before !== undefined && random.below(3) >= step / 4000 % 3) {
          table.delete(before);
          map.delete(item.id);
        } else {
          table.set(item);
          map.set(item.id, item);
        }
      }
      for (let i = 0; i <= 300; i++) assertStrictEquals(table.get(id(i)), map.get(id(i)));
    }));
}

/** A table, by chance, has a factor that suits ids of one kind badly: so several are looked at. */
const TABLES = 20;

for (const bits of [0, 8, 16, 20, 24, 32, 40]) {
  for (const kind of ["numbers", "bigints"]) {
    test(`ids 2^${bits} apart, ${kind}, do not meet: a search looks at few items`, () => {
      let looks = 0;
      for (let each = 0; each < TABLES; each++) {
        const table = new IdTable<Item>();
        for (let i = 0; i < 1000; i++) {
          const id = kind === "numbers" ? i * 2 ** bits : 2n ** 63n + (BigInt(i) << BigInt(bits));
          table.set({
            get id() {
              looks++;
              return id;
            },
          });
        }
      }
      const average = looks / TABLES / 1000;
      // Where all meet, one has five hundred in front of it.
      assert(average < 100, `${average} looks for an item`);
    });
  }
}

test("only the item itself is removed", () => {
  const table = new IdTable<Item>();
  const [first, second] = [{ id: 1 }, { id: 1 }];
  table.set(first);
  table.set(second);
  table.delete(first);
  table.delete({ id: 2 });
  assertStrictEquals(table.get(1), second);
  table.delete(second);
  table.delete(second);
  assertEquals(table.get(1), undefined);
});
