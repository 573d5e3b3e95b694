// Tests that run inside a worker: this side lists them and asks for each.
import { after, test } from "node:test";
import { root } from "../../tools/runtimes.ts";
import { remoteCases } from "../support/remote_cases.ts";
import { noWorkerd, RunningWorker, type WorkerOptions } from "./workerd.ts";

/** What the cases need outside of the worker. */
export interface Surroundings extends WorkerOptions {
  close(): Promise<void>;
}

/** Registers the cases that the module registers in the worker. */
export async function casesInWorker(
  entry: string,
  surround: () => Promise<Surroundings>,
): Promise<void> {
  if (noWorkerd) return void test(`${entry}: all cases`, { skip: noWorkerd }, () => {});
  const { close, ...options } = await surround();
  const alias = { "node:test": `${root}tests/support/case_registry.ts` };
  const worker = await RunningWorker.start(entry, { ...options, alias });
  after(async () => {
    await worker[Symbol.asyncDispose]();
    await close();
  });
  await remoteCases("worker", (path) => worker.fetch(path));
}
