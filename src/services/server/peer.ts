import type { ConnectionControl, SocketDuplex } from "../../../mod.ts";
import type { Peer, PeerCertificate, PeerRequest, ServiceConnection } from "../context.ts";

/** A duplex as adapters make it that know more of their peers. */
interface KnowingDuplex extends SocketDuplex {
  readonly peerCertificate?: PeerCertificate;
  readonly request?: PeerRequest;
}

/** What is known of the client of a connection. */
export class DuplexPeer implements Peer {
  readonly #duplex: KnowingDuplex;

  constructor(duplex: SocketDuplex) {
    this.#duplex = duplex;
  }

  get address(): Peer["address"] {
    return this.#duplex.remoteAddress;
  }

  get alpnProtocol(): string | undefined {
    return this.#duplex.alpnProtocol;
  }

  get certificate(): PeerCertificate | undefined {
    return this.#duplex.peerCertificate;
  }

  get request(): PeerRequest | undefined {
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
