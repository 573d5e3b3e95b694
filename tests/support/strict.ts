import { test as nodeTest } from "node:test";

type DenoTest = (definition: {
  name: string;
  fn: () => Promise<void>;
  sanitizeOps: boolean;
  sanitizeResources: boolean;
}) => void;

/**
 * A test that fails if it leaves something open: on Deno, timers, sockets and whatever else
 * is under way, by its own test runner. Elsewhere the test has to look for itself.
 */
export function strictTest(name: string, fn: () => Promise<void>): void {
  const { Deno } = globalThis as unknown as { Deno?: { test: DenoTest } };
  if (Deno) Deno.test({ name, fn, sanitizeOps: true, sanitizeResources: true });
  else nodeTest(name, fn);
}
