import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { CallTable } from "../../../src/rpc/client/_call_table.ts";

interface Call {
  id: number;
}

test("every call is found by its id, and ids only rise", () => {
  const table = new CallTable<Call>();
  // Some live for ever, in places that later ids would have.
  const old: Call[] = [];
  const calls: Call[] = [];
  let last = 0;
  for (let i = 0; i < 100_000; i++) {
    const call = { id: 0 };
    table.add(call, i % 3 === 0);
    assertEquals(call.id % 2 === 1, i % 3 === 0);
    assert(call.id > last, `${call.id} after ${last}`);
    last = call.id;
    (i % 1000 < 3 ? old : calls).push(call);
    if (calls.length > i % 300) table.delete(calls.splice(i % calls.length, 1)[0]!);
  }
  assertEquals(table.size, old.length + calls.length);
  for (const call of [...old, ...calls]) assertStrictEquals(table.get(call.id), call);
  const ids = table.values().map(({ id }) => id);
  assertEquals(ids, [...old, ...calls].map(({ id }) => id).sort((a, b) => a - b));
});

test("ids that no call has find none", () => {
  const table = new CallTable<Call>();
  const call = { id: 0 };
  table.add(call, false);
  for (const id of [0, 1, 3, 4, -1, 129, 130, 2 ** 32 + 2, 2 ** 53 - 1, 1.5, NaN, Infinity]) {
    assertEquals(table.get(id), undefined, `${id}`);
  }
  table.delete(call);
  assertEquals([table.get(call.id), table.size, table.values()], [undefined, 0, []]);
});

test("a table that was large once works on when it is empty again", () => {
  const table = new CallTable<Call>();
  for (let round = 0; round < 3; round++) {
    const calls = Array.from({ length: 10_000 }, () => ({ id: 0 }));
    for (const call of calls) table.add(call, false);
    for (const call of calls) assertStrictEquals(table.get(call.id), call);
    for (const call of calls) table.delete(call);
    assertEquals(table.size, 0);
  }
});

test("an id is remembered until its place is needed, and recalled once", () => {
  const table = new CallTable<Call>();
  const call = { id: 0 };
  table.add(call, false);
  table.remember(call.id);
  table.delete(call);
  assertEquals([table.recall(call.id + 1), table.recall(0), table.recall(call.id + 128)], [
    false,
    false,
    false,
  ]);
  assertEquals([table.recall(call.id), table.recall(call.id)], [true, false]);
});
