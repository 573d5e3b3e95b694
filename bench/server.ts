// What the servers of all rows have in common.
import { onLine } from "./lines.ts";

const globals = globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } };

/** Tells the runner the port, collects garbage when it asks for that, and ends with it. */
export function serving(port: number): Promise<void> {
  console.log(`listening ${port}`);
  return onLine(() => {
    globals.Bun ? globals.Bun.gc(true) : globals.gc?.();
    console.log("collected");
  });
}
