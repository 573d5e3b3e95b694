// `@std/assert` for machines that JSR is out of reach of: the real std code from
// npm's `deno-std`, with the types that package lacks. Never published.
import * as real from "deno-std/assert/mod.js";

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

export const assert: (condition: unknown, message?: string) => asserts condition = real.assert;
export const assertEquals: <T>(actual: T, expected: T, message?: string) => void =
  real.assertEquals;
export const assertNotEquals: <T>(actual: T, expected: T, message?: string) => void =
  real.assertNotEquals;
export const assertStrictEquals: <T>(
  actual: unknown,
  expected: T,
  message?: string,
) => asserts actual is T = real.assertStrictEquals;
export const assertInstanceOf: <E>(
  actual: unknown,
  // deno-lint-ignore no-explicit-any
  type: abstract new (...args: any[]) => E,
  message?: string,
) => asserts actual is E = real.assertInstanceOf;
export const assertMatch: (actual: string, expected: RegExp, message?: string) => void =
  real.assertMatch;
export const assertStringIncludes: (actual: string, expected: string, message?: string) => void =
  real.assertStringIncludes;
export const assertThrows: <E extends Error = Error>(
  fn: () => unknown,
  type?: ErrorClass<E>,
  messageIncludes?: string,
) => E = real.assertThrows;
export const assertRejects: <E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  type?: ErrorClass<E>,
  messageIncludes?: string,
) => Promise<E> = real.assertRejects;
export const fail: (message?: string) => never = real.fail;
