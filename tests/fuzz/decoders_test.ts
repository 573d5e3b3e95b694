import fc from "fast-check";
import { test } from "node:test";
import { SUBJECTS } from "./codecs.ts";
import { allocatesLittle, decodesAlike } from "./decoders.ts";

for (const subject of SUBJECTS) {
  test(`fuzz: ${subject.name} reads the same from any pieces of any bytes`, async () => {
    await fc.assert(decodesAlike(subject), { numRuns: 1000 });
  });

  test(`fuzz: ${subject.name} buffers what has arrived, not what is announced`, async () => {
    await fc.assert(allocatesLittle(subject), { numRuns: 200 });
  });
}
