/** The address of a socket: a TCP address, or the path of a Unix socket. */
export type SocketAddress =
  | {
    /** TCP over IPv4 or IPv6. */
    readonly transport: "tcp";
    /** The numeric address, such as `127.0.0.1` or `::1`. */
    readonly hostname: string;
    /** The port, 1 to 65535. */
    readonly port: number;
  }
  | {
    /** A Unix domain socket. */
    readonly transport: "unix";
    /** The path in the file system; empty for a peer that is not bound to one. */
    readonly path: string;
  };
