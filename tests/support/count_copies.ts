/** What a piece of work has cost, in bytes. */
export interface Copies {
  /** How many bytes were copied with `Uint8Array.prototype.set`, as `@std/bytes` does. */
  copied: number;
  /** How many bytes were allocated with `new Uint8Array(length)`. */
  allocated: number;
}

/**
 * Counts the bytes that `work` copies and allocates; nothing else should run meanwhile.
 * Copying more than `limit` throws, for what is not linear would take for ever.
 */
export async function countCopies(limit: number, work: () => Promise<void>): Promise<Copies> {
  const copies: Copies = { copied: 0, allocated: 0 };
  const { Uint8Array } = globalThis;
  const { prototype } = Uint8Array;
  const { set } = prototype;
  prototype.set = function (source, offset) {
    copies.copied += source.length;
    if (copies.copied > limit) throw new Error(`more than ${limit} bytes were copied`);
    set.call(this, source, offset);
  };
  globalThis.Uint8Array = new Proxy(Uint8Array, {
    construct(target, args, newTarget) {
      if (typeof args[0] === "number") copies.allocated += args[0];
      return Reflect.construct(target, args, newTarget);
    },
  });
  try {
    await work();
    return copies;
  } finally {
    globalThis.Uint8Array = Uint8Array;
    prototype.set = set;
  }
}
