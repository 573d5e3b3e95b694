import {
  type Duplex,
  duplexPair,
  type Listener,
  type SocketDuplex,
} from "@protosocket/protosocket";

/** A listener that hands out one end of each pair that `dial` makes. */
export interface MemoryListener extends Listener {
  /** Returns the other end of a new connection, whose peer is at that port of the `hostname`. */
  dial(port: number): Duplex;
}

/** Makes a {@linkcode MemoryListener}; all peers are at `hostname`. */
export function memoryListener(hostname = "127.0.0.1"): MemoryListener {
  let push!: (duplex: SocketDuplex) => void;
  let close!: () => void;
  const accepted = new ReadableStream<SocketDuplex>({
    start(controller) {
      push = (duplex) => controller.enqueue(duplex);
      close = () => controller.close();
    },
  });
  let closed = false;
  const end = () => {
    if (!closed) close();
    closed = true;
    return Promise.resolve();
  };
  return {
    address: { transport: "unix", path: "memory" },
    dial(port) {
      const [here, { readable, writable }] = duplexPair();
      const remoteAddress = { transport: "tcp", hostname, port } as const;
      push({ readable, writable, remoteAddress });
      return here;
    },
    close: end,
    [Symbol.asyncIterator]: () => accepted[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: end,
  };
}
