import { integer } from "../check.ts";

/** What one message may cost to decode. */
export interface DecodeOptions {
  /**
   * How many objects one message may decode to, from 1 to 2^31 - 1: arrays, maps and each of
   * their entries, structs, messages, views of bytes, and fields that the schema does not have.
   * A few bytes can announce an object of two hundred, so 4 MiB could become hundreds of them. A
   * message with more is invalid. Numbers, texts and the like do not count, since they take not
   * much more memory than bytes.
   *
   * @default {262_144}
   */
  readonly maxObjects?: number;
}

const DEFAULT = 262_144;

/** Checks the options of a codec; returns how many objects a message may have. */
export function maxObjectsOf({ maxObjects = DEFAULT }: DecodeOptions): number {
  return integer("maxObjects", maxObjects, 1, 2 ** 31 - 1);
}

/** A message has more objects than it may have. */
export class TooManyObjects extends RangeError {
  constructor(maxObjects: number) {
    super(`it has more than ${maxObjects} objects (maxObjects)`);
  }
}
