// Workers that are written in TypeScript, on every runtime.
import { Worker } from "node:worker_threads";

/** Starts a worker of `node:worker_threads`; on Node, with tsx to load its TypeScript. */
export function startWorker(module: URL): Worker {
  if ("Deno" in globalThis || "Bun" in globalThis) return new Worker(module);
  const start = `import(${JSON.stringify(import.meta.resolve("tsx/esm/api"))}).then((tsx) => {
    tsx.register();
    return import(${JSON.stringify(module.href)});
  });`;
  return new Worker(start, { eval: true });
}
