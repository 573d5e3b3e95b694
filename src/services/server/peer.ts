import type { ConnectionControl, SocketDuplex } from "../../../mod.ts";
import type { Peer, ServiceConnection } from "../context.ts";

/** What is known of the client of a connection. */
export class DuplexPeer implements Peer {
  readonly #duplex: SocketDuplex;

  constructor(duplex: SocketDuplex) {
    this.#duplex = duplex;
  }

  get address(): Peer["address"] {
    return this.#duplex.remoteAddress;
  }

  get proxy(): Peer["proxy"] {
    return this.#duplex.proxy;
  }

  get alpnProtocol(): Peer["alpnProtocol"] {
    return this.#duplex.alpnProtocol;
  }

  get certificate(): Peer["certificate"] {
    return this.#duplex.peerCertificate;
  }

  get request(): Peer["request"] {
    return this.#duplex.request;
  }
}

/** A connection as handlers see it. */
export class ServedConnection implements ServiceConnection {
  readonly peer: Peer;
  /** Ends it, once there is one. */
  control: ConnectionControl | undefined;
  #values: Map<unknown, unknown> | undefined;

  constructor(peer: Peer) {
    this.peer = peer;
  }

  get values(): Map<unknown, unknown> {
    return this.#values ??= new Map();
  }

  close(): void {
    this.control?.end();
  }
}
