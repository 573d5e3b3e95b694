const globals = globalThis as { Deno?: { listenDatagram?: unknown }; Bun?: unknown };

/** Which runtime this is. */
export const runtime: "deno" | "bun" | "node" = globals.Deno
  ? "deno"
  : globals.Bun
  ? "bun"
  : "node";

/** Whether Deno was started with `--unstable-net`, which brings this function. */
export const unstableNet: boolean = globals.Deno?.listenDatagram !== undefined;
