// A program that listens, and takes only what its system takes for it once it is stopped.
import { sockets } from "../../examples/support/sockets.ts";
import { runtime } from "../support/runtime.ts";

const { listen } = await sockets();
// Bun cannot set the backlog.
const listener = await listen({ port: 0, ...(runtime !== "bun" && { backlog: 1 }) });
const { port } = listener.address as { port: number };
console.log(`listening 127.0.0.1:${port}`);
for await (const duplex of listener) await duplex.writable.abort();
