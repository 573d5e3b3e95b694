import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { proxyHeader } from "@protosocket/protosocket/proxy-protocol";

/** A TCP proxy that begins each connection with a PROXY header. */
export interface AnnouncingProxy {
  /** Where it listens. */
  readonly port: number;
  /** Breaks what it carries, and stops listening. */
  close(): void;
}

/** Makes an {@linkcode AnnouncingProxy} before a port of this machine. */
export async function announcingProxy(to: number): Promise<AnnouncingProxy> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: to, host: "127.0.0.1", allowHalfOpen: true });
    const { remoteAddress, remotePort } = near;
    const source = { transport: "tcp", hostname: remoteAddress!, port: remotePort! } as const;
    far.write(proxyHeader({ source, destination: source }));
    near.pipe(far).pipe(near);
    for (const [one, other] of [[near, far], [far, near]] as const) {
      open.add(one);
      // A reset is passed on as one.
      one.on("error", () => other.resetAndDestroy());
      one.on("close", () => (open.delete(one), other.destroySoon()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
