// The same sockets with their streams alone, as a Duplex of one's own may be.
import process from "node:process";
import type { Duplex, Listener, SocketDuplex } from "@protosocket/protosocket";
import { sockets } from "../../../examples/support/sockets.ts";

const byStreams = process.argv.includes("--streams");

/** Connects to a port; by streams if this program was told so. */
export async function connect(port: number): Promise<Duplex> {
  const { connect } = await sockets();
  const duplex = await connect({ port });
  return byStreams ? streamsOf(duplex) : duplex;
}

/** Listens on a port that is free; by streams if this program was told so. */
export async function listen(): Promise<{ readonly listener: Listener; readonly port: number }> {
  const { listen } = await sockets();
  const listener = await listen({ port: 0 });
  if (listener.address.transport !== "tcp") throw new Error("It listens on no port");
  const { port } = listener.address;
  return { listener: byStreams ? wrapped(listener) : listener, port };
}

function streamsOf(
  { readable, writable, returnsBuffers, remoteAddress }: SocketDuplex,
): SocketDuplex {
  return { readable, writable, returnsBuffers, remoteAddress };
}

function wrapped(listener: Listener): Listener {
  return {
    address: listener.address,
    close: () => listener.close(),
    [Symbol.asyncDispose]: () => listener.close(),
    async *[Symbol.asyncIterator]() {
      for await (const duplex of listener) yield streamsOf(duplex);
    },
  };
}
