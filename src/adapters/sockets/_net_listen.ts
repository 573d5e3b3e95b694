import type { Listener } from "../../duplex/listener.ts";
import { AcceptQueue } from "../base/_accept_queue.ts";
import { checkListenOptions, type ListenOptions, placeOf } from "../base/_options.ts";
import { listening, NetDuplex, TcpDuplex, toListener } from "./_net.ts";
import { proxiedServer } from "./_proxied.ts";

/** Listens behind a proxy that speaks the PROXY protocol. */
export async function listenProxied(options: ListenOptions): Promise<Listener> {
  const place = placeOf(options, 0);
  checkListenOptions(options);
  const accepted = new AcceptQueue();
  const { server, close } = proxiedServer(options, (socket, { remoteAddress, proxy }) => {
    const Duplex = place.kind === "unix" ? NetDuplex : TcpDuplex;
    const duplex = new Duplex(socket, remoteAddress);
    duplex.proxy = proxy;
    accepted.push(duplex);
  });
  return toListener(server, await listening(server, place, options), accepted, close);
}
