import { isObject, shown, typeOf, wrong } from "../check.ts";

/** The default of how many entries the metadata of one message may have: 128. */
export const DEFAULT_MAX_METADATA_ENTRIES = 128;
/** The default of how many bytes its keys and values may have together: 16 KiB. */
export const DEFAULT_MAX_METADATA_BYTES: number = 16 * 1024;
/** The longest key. */
const MAX_KEY = 128;

/** One value of metadata: text, or bytes. */
export type MetadataValue = string | Uint8Array;

/** What metadata can be made from: an object of values, or of lists of them. */
export type MetadataInit =
  | Metadata
  | { readonly [key: string]: MetadataValue | readonly MetadataValue[] | undefined };

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** What Node, Bun and Deno call to show an object, and what they pass for what is in it. */
const INSPECT = Symbol.for("nodejs.util.inspect.custom");
type Inspect = (value: unknown, options: object) => string;

const KEY = /^[a-z0-9_.-]+$/;

/**
 * What travels beside a request or an answer: keys, each with one or more values. Keys are not
 * case-sensitive: they become lower case. A value is text or bytes; at the other end either can
 * be asked for.
 *
 * @example
 * ```ts
 * import { Metadata } from "@protosocket/protosocket/services";
 *
 * const metadata = new Metadata({ Authorization: "Bearer 123" });
 * metadata.append("tag", "a");
 * metadata.append("tag", "b");
 * console.log(metadata.get("authorization"), metadata.getAll("tag")); // Bearer 123 [ "a", "b" ]
 * ```
 */
export class Metadata implements Iterable<[key: string, value: MetadataValue]> {
  static {
    // What `console.log` shows: all entries, as of `Headers`. Not declared, as nobody calls it.
    Object.defineProperty(this.prototype, INSPECT, {
      value(this: Metadata, _depth: unknown, options: object, inspect: Inspect) {
        return `Metadata ${inspect(grouped(this.#entries), options)}`;
      },
    });
  }

  #entries: [key: string, value: MetadataValue][] = [];

  /** Copies what is given. Throws a `TypeError` for a key or value that cannot be sent. */
  constructor(init?: MetadataInit) {
    if (init === undefined) return;
    if (init instanceof Metadata) {
      this.#entries = [...init.#entries];
      return;
    }
    // What Headers, a Map or a promise has is not in its properties: there would be none.
    if (!isObject(init) || Symbol.iterator in init || typeof init.then === "function") {
      throw wrong(`metadata must be an object of values, not of type ${typeOf(init)}`);
    }
    for (const key of Object.keys(init)) {
      const value = init[key];
      if (value === undefined) continue;
      if (Array.isArray(value)) { for (const one of value) this.append(key, one); }
      else this.append(key, value as MetadataValue);
    }
  }

  /** Adds what a peer has sent, as it is. For use within this library. */
  static fill(metadata: Metadata, entries: readonly (readonly [string, MetadataValue])[]): void {
    for (const [key, value] of entries) metadata.#entries.push([key, value]);
  }

  /** The entries, to be sent; `undefined` if there are none. For use within this library. */
  static entries(
    metadata: Metadata | undefined,
  ): readonly (readonly [string, MetadataValue])[] | undefined {
    return metadata === undefined || metadata.#entries.length === 0
      ? undefined
      : [...metadata.#entries];
  }

  /** How many entries there are. */
  get size(): number {
    return this.#entries.length;
  }

  /** The first value of a key as text; `undefined` if there is none. */
  get(key: string): string | undefined {
    const value = this.#first(key);
    return value === undefined || typeof value === "string" ? value : decoder.decode(value);
  }

  /** The first value of a key as bytes; `undefined` if there is none. */
  getBytes(key: string): Uint8Array | undefined {
    const value = this.#first(key);
    return typeof value === "string" ? encoder.encode(value) : value;
  }

  /** All values of a key as text. */
  getAll(key: string): string[] {
    const wanted = key.toLowerCase();
    return this.#entries.filter(([name]) => name === wanted)
      .map(([, value]) => typeof value === "string" ? value : decoder.decode(value));
  }

  /** Whether the key has a value. */
  has(key: string): boolean {
    return this.#first(key) !== undefined;
  }

  /** Gives a key one value, in place of all that it has. */
  set(key: string, value: MetadataValue): this {
    this.delete(key);
    return this.append(key, value);
  }

  /** Gives a key one more value. */
  append(key: string, value: MetadataValue): this {
    const name = String(key).toLowerCase();
    if (!KEY.test(name) || name.length > MAX_KEY) {
      throw wrong(`A key of metadata must be 1 to 128 of a-z 0-9 _ - . and not ${shown(key)}`);
    }
    if (typeof value !== "string" && !(value instanceof Uint8Array)) {
      throw wrong(`The metadata ${key} must be a string or a Uint8Array, not ${shown(value)}`);
    }
    this.#entries.push([name, value]);
    return this;
  }

  /** Removes a key. */
  delete(key: string): void {
    const name = key.toLowerCase();
    this.#entries = this.#entries.filter(([other]) => other !== name);
  }

  /** Iterates over the entries, in the order in which they were added or arrived. */
  [Symbol.iterator](): Iterator<[key: string, value: MetadataValue]> {
    return this.#entries[Symbol.iterator]();
  }

  #first(key: string): MetadataValue | undefined {
    const wanted = key.toLowerCase();
    for (const [name, value] of this.#entries) if (name === wanted) return value;
    return undefined;
  }
}

/** An object of the entries; several values of a key are a list. */
function grouped(entries: Iterable<readonly [string, MetadataValue]>): object {
  // A map first: keys come from peers, such as "constructor".
  const values = new Map<string, MetadataValue[]>();
  for (const [key, value] of entries) {
    const all = values.get(key);
    if (all) all.push(value);
    else values.set(key, [value]);
  }
  return Object.fromEntries([...values].map(([key, all]) => [key, all.length > 1 ? all : all[0]]));
}

/** Makes metadata of what is given, which is not changed later; `undefined` for nothing. */
export function metadataOf(init: MetadataInit | undefined): Metadata | undefined {
  return init === undefined || init instanceof Metadata ? init : new Metadata(init);
}
