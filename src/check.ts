/** The largest delay, in milliseconds, that timers take on every runtime. */
export const MAX_DELAY: number = 2 ** 31 - 1;

/**
 * Returns `value` if it is an integer from `min` to `max`, else throws a `RangeError` that
 * names it. A number that is wrong is a `RangeError` everywhere in this library; any other
 * wrong argument is a `TypeError`, see {@linkcode wrong}. Both are mistakes of the program
 * that calls, unlike the errors with codes, which say what became of a connection.
 */
export function integer(name: string, value: unknown, min: number, max: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) {
    return value as number;
  }
  throw outOfRange(`${name} must be an integer from ${min} to ${max}, not ${shown(value)}`);
}

/** Checks a delay in milliseconds; see {@linkcode integer}. */
export function delay(name: string, value: unknown, min: 0 | 1): number {
  return integer(name, value, min, MAX_DELAY);
}

/** Makes the error for an argument or an option that is wrong, and not a number out of range. */
export function wrong(message: string, cause?: unknown): TypeError {
  return mistake(new TypeError(message, cause === undefined ? undefined : { cause }));
}

/** Makes the error for a number that is out of its range. */
export function outOfRange(message: string): RangeError {
  return mistake(new RangeError(message));
}

const MISTAKE = Symbol("mistake");

function mistake<Made extends Error>(error: Made): Made {
  return Object.defineProperty(error, MISTAKE, { value: true });
}

/** Whether an error was made here: what the program has done wrong, it does whenever it tries. */
export function isMistake(error: unknown): error is Error {
  return isObject(error) && MISTAKE in error;
}

/** A value as messages show it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return `"${value.slice(0, 100)}"`;
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** Checks that something is a function; `what` says what for, if that is not plain. */
export function checkFunction(name: string, value: unknown, what = ""): void {
  if (typeof value !== "function") {
    throw wrong(`${name} must be a function${what}, not ${shown(value)}`);
  }
}

/** Checks that something is a duplex, and not, say, what `connect()` returns before it is awaited. */
export function checkDuplex(duplex: unknown): void {
  notPromised("duplex", duplex);
  // One with `attach` makes its streams when they are asked for.
  if (isObject(duplex)) {
    if ("attach" in duplex || isObject(duplex.readable) && isObject(duplex.writable)) return;
  }
  throw wrong(`duplex must have streams, readable and writable, but it is ${shown(duplex)}`);
}

/** Refuses what is no object of options: it would count as none. */
export function checkOptions(name: string, value: unknown): void {
  if (value === undefined || isObject(value) && !Array.isArray(value)) return;
  throw wrong(`${name} must be an object of options, not ${shown(value)}`);
}

/** Refuses options that are missing, where something in them is required. */
export function requireOptions(name: string, has: string, value: unknown): void {
  if (!isObject(value)) throw wrong(`${name} must have ${has}, not be ${shown(value)}`);
}

/** Checks that something is a signal, unless it is left out. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || isObject(signal) && "addEventListener" in signal) return;
  throw wrong(`signal must be an AbortSignal, not ${shown(signal)}`);
}

/** Checks that something is a boolean, unless it is left out. */
export function checkBoolean(name: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw wrong(`${name} must be true or false, not ${shown(value)}`);
}

/** Checks that something is a function, unless it is left out. */
export function checkCallback(name: string, value: unknown): void {
  if (value !== undefined) checkFunction(name, value);
}

/** Checks that something is a listener. */
export function checkListener(listener: unknown): void {
  notPromised("listener", listener);
  if (isObject(listener) && Symbol.asyncIterator in listener && "close" in listener) return;
  throw wrong(`listener must be what listen() resolves to, not ${shown(listener)}`);
}

/** Checks that something is a codec, and not a function that makes one. */
export function checkCodec(codec: unknown): void {
  if (isObject(codec) && isObject(codec.encoder) && isObject(codec.decoder)) return;
  const why = typeof codec === "function" ? "a function: call it" : shown(codec);
  throw wrong(`codec must have an encoder and a decoder, but it is ${why}`);
}

function notPromised(name: string, value: unknown): void {
  if (isObject(value) && typeof value.then === "function") {
    throw wrong(`${name} must not be a promise: await it`);
  }
}

/**
 * Checks that something is bytes. An `ArrayBuffer`, say, has no length, and would pass for no
 * bytes at all. Those of another realm, such as a test's, are taken.
 */
export function checkBytes(name: string, value: unknown): asserts value is Uint8Array {
  if (value instanceof Uint8Array) return;
  const type = typeOf(value);
  if (type !== "Uint8Array") throw wrong(`${name} must be a Uint8Array, not of type ${type}`);
}

/** The type of a value, as the engine names it: `Map`, `Promise`, `Null`. */
export function typeOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether something is an object, whatever is in it. */
export function isObject(value: unknown): value is Readonly<Record<string | symbol, unknown>> {
  return typeof value === "object" && value !== null;
}
