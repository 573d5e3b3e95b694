// The examples run on every runtime; a program of your own imports its adapter.
type Adapter = Pick<typeof import("@protosocket/protosocket/websocket-node"), "listen">;

/** The listener for WebSockets of the runtime that this runs on. */
export function webSockets(): Promise<Adapter> {
  if ("Deno" in globalThis) return import("@protosocket/protosocket/websocket-deno");
  if ("Bun" in globalThis) return import("@protosocket/protosocket/websocket-bun");
  return import("@protosocket/protosocket/websocket-node");
}
