// The raw sockets of each runtime, with what they do best.
import * as net from "node:net";

/** A socket as the floor needs it. */
export interface Raw {
  /** Sends all bytes; they may be written again when it settles, or at once if it returns nothing. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** Reads no more. */
  pause(): void;
  close(): void;
  /** Called when the connection has ended. */
  onClose?: () => void;
}

/** Takes what was read; the bytes may be written again afterwards. */
export type OnData = (bytes: Uint8Array) => void;

const READ = 64 * 1024;

interface DenoConn {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  setNoDelay(on: boolean): void;
  close(): void;
}

interface DenoApi {
  connect(options: object): Promise<DenoConn>;
  listen(options: object): AsyncIterable<DenoConn> & { readonly addr: { readonly port: number } };
}

interface BunSocket {
  data: BunRaw;
  write(bytes: Uint8Array): number;
  setNoDelay(on: boolean): void;
  pause(): void;
  end(): void;
}

interface BunApi {
  connect(options: object): Promise<BunSocket>;
  listen(options: object): { readonly port: number };
}

const { Deno, Bun } = globalThis as { Deno?: DenoApi; Bun?: BunApi };

/** Connects; what is read goes to what `open` makes for the socket. */
export async function connect(port: number, open: (raw: Raw) => OnData): Promise<Raw> {
  if (Deno) return runDeno(await Deno.connect({ port, hostname: "127.0.0.1" }), open);
  if (Bun) {
    const socket = bunHandlers(open);
    return (await Bun.connect({ port, hostname: "127.0.0.1", socket })).data;
  }
  let onData: OnData = () => {};
  const buffer = new Uint8Array(READ);
  const callback = (count: number) => (onData(buffer.subarray(0, count)), true);
  const options = { port, host: "127.0.0.1", noDelay: true, onread: { buffer, callback } };
  const socket = net.connect(options);
  await new Promise<void>((resolve, reject) => socket.on("error", reject).on("connect", resolve));
  const raw = new NodeRaw(socket);
  onData = open(raw);
  return raw;
}

/** Listens on a port that is free, and returns it. */
export async function listen(open: (raw: Raw) => OnData): Promise<number> {
  if (Deno) {
    const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    void (async () => {
      for await (const conn of listener) runDeno(conn, open);
    })();
    return listener.addr.port;
  }
  if (Bun) return Bun.listen({ port: 0, hostname: "127.0.0.1", socket: bunHandlers(open) }).port;
  const server = net.createServer({ noDelay: true }, (socket) => {
    const raw = new NodeRaw(socket);
    socket.on("data", open(raw)).on("error", () => {}).on("close", () => raw.onClose?.());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as net.AddressInfo).port;
}

function runDeno(conn: DenoConn, open: (raw: Raw) => OnData): Raw {
  conn.setNoDelay(true);
  let paused = false;
  const raw: Raw = {
    async write(bytes) {
      for (let at = 0; at < bytes.length;) at += await conn.write(at ? bytes.subarray(at) : bytes);
    },
    pause: () => paused = true,
    close: () => conn.close(),
  };
  const onData = open(raw);
  const buffer = new Uint8Array(READ);
  void (async () => {
    try {
      for (let count; !paused && (count = await conn.read(buffer));) {
        onData(buffer.subarray(0, count));
      }
      if (paused) return;
      conn.close();
    } catch {
      // It was closed.
    }
    raw.onClose?.();
  })();
  return raw;
}

class BunRaw implements Raw {
  onData!: OnData;
  onClose?: () => void;
  readonly #socket: BunSocket;
  #rest: Uint8Array | undefined;
  #onWritten: () => void = () => {};

  constructor(socket: BunSocket) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    const count = this.#socket.write(bytes);
    if (count === bytes.length) return;
    this.#rest = bytes.subarray(Math.max(0, count));
    return new Promise((resolve) => this.#onWritten = resolve);
  }

  drain(): void {
    if (this.#rest === undefined) return;
    const count = this.#socket.write(this.#rest);
    this.#rest = this.#rest.subarray(Math.max(0, count));
    if (this.#rest.length > 0) return;
    this.#rest = undefined;
    this.#onWritten();
  }

  pause(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.end();
  }
}

function bunHandlers(open: (raw: Raw) => OnData): object {
  return {
    open(socket: BunSocket) {
      socket.setNoDelay(true);
      socket.data = new BunRaw(socket);
      socket.data.onData = open(socket.data);
    },
    data: (socket: BunSocket, bytes: Uint8Array) => socket.data.onData(bytes),
    drain: (socket: BunSocket) => socket.data.drain(),
    close: (socket: BunSocket) => socket.data?.onClose?.(),
    error() {},
  };
}

class NodeRaw implements Raw {
  onClose?: () => void;
  readonly #socket: net.Socket;

  constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    let settle: () => void = () => {};
    this.#socket.write(bytes, () => settle());
    if (this.#socket.writableLength > 0) return new Promise((resolve) => settle = resolve);
  }

  pause(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }
}
