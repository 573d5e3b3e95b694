import { codeOf, type Failure } from "./code_of.ts";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { sockets } from "../../examples/support/sockets.ts";
import type { SocketAddress, SocketDuplex, SocketListener, TransportError } from "../../mod.ts";
import type {
  ConnectOptions,
  TlsConnectOptions,
  TlsListenOptions,
} from "../../src/adapters/base/_options.ts";
import { authority, type Certified, certified } from "./certificates.ts";
import { End } from "./end.ts";
import { outcome, soon } from "./within.ts";

type Sockets = Awaited<ReturnType<typeof sockets>>;
const adapter = await sockets();
/** Those of this runtime's adapter. */
export const connect: Sockets["connect"] = adapter.connect;
export const listen: Sockets["listen"] = adapter.listen;

/** Whom the tests trust, and a server that it vouches for. */
export const ca: Certified = await authority();
export const ours: Certified = await certified(ca, ["localhost", "127.0.0.1"]);
/** A CA that nobody trusts. */
export const stranger: Certified = await authority("A stranger");
/** For clients: trusts `ca`. */
export const trusting: TlsConnectOptions = { caCerts: [ca.cert] };

/** A failed handshake, as reported to `onHandshakeError`. */
export interface Failed {
  readonly error: TransportError;
  readonly remoteAddress: SocketAddress | undefined;
}

/** A TLS listener, and the failed handshakes that it reported. */
export class TlsServer implements AsyncDisposable {
  readonly listener: SocketListener;
  readonly port: number;
  readonly #accepted: AsyncIterator<SocketDuplex>;
  readonly #told: Failed[];
  #taken = 0;
  readonly #waiting: Set<() => void>;

  private constructor(listener: SocketListener, told: Failed[], waiting: Set<() => void>) {
    const { address } = listener;
    assert(address.transport === "tcp");
    this.listener = listener;
    this.port = address.port;
    this.#accepted = listener[Symbol.asyncIterator]();
    this.#told = told;
    this.#waiting = waiting;
  }

  static async listen(options: Partial<TlsListenOptions> = {}): Promise<TlsServer> {
    const told: Failed[] = [];
    const waiting = new Set<() => void>();
    const onHandshakeError: TlsListenOptions["onHandshakeError"] = (error, remoteAddress) => {
      told.push({ error, remoteAddress });
      for (const wake of waiting) wake();
    };
    const tls = { ...ours, onHandshakeError, ...options };
    return new TlsServer(await listen({ port: 0, tls }), told, waiting);
  }

  /** How many failures were reported. */
  get failures(): number {
    return this.#told.length;
  }

  /** The next failure that is, or was, reported. */
  async failure(): Promise<Failed> {
    while (this.#told.length <= this.#taken) {
      const more = new Promise<void>((resolve) => this.#waiting.add(resolve));
      await soon(more, "a handshake to fail");
    }
    return this.#told[this.#taken++]!;
  }

  async accept(): Promise<SocketDuplex> {
    const { done, value } = await soon(this.#accepted.next(), "a connection to accept");
    assert(!done, "the listener was closed");
    return value;
  }

  /** Connects to it, and fails unless bytes go both ways. Returns both ends, released. */
  async serves(
    tls: boolean | TlsConnectOptions = trusting,
    options: Omit<ConnectOptions, "port" | "tls"> = {},
  ): Promise<{ client: SocketDuplex; server: SocketDuplex }> {
    const [client, server] = await Promise.all([
      soon(connect({ port: this.port, ...options, tls }), "a connection"),
      this.accept(),
    ]);
    await talk(client, server);
    return { client, server };
  }

  /**
   * The same for a server whose handshakes soon time out, which on a busy machine may take
   * those of good clients, too: tries until one does not.
   */
  async servesAtLast(tls: TlsConnectOptions): Promise<void> {
    let accepted: SocketDuplex | undefined;
    const accepting = this.accept().then((duplex) => void (accepted = duplex));
    for (;;) {
      const connecting = outcome(connect({ port: this.port, tls }));
      const more = new Promise<void>((resolve) => this.#waiting.add(resolve));
      if (this.#told.length <= this.#taken) await Promise.race([accepting, more]);
      const connected = await soon(connecting, "a connection");
      if (accepted) {
        assert(connected.kind === "value", "it was accepted, and has not connected");
        return await talk(connected.value, accepted);
      }
      assertEquals((await this.failure()).error.code, "timed-out");
      if (connected.kind === "value") new End(connected.value).drop();
    }
  }

  /** Connects to it, which must fail. */
  refuses(
    tls: boolean | TlsConnectOptions,
    code: Failure,
    options: Omit<ConnectOptions, "port" | "tls"> = {},
  ): Promise<Error> {
    return assertFails(connect({ port: this.port, ...options, tls }), code);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await soon(this.listener.close(), "a listener to close");
  }
}

/** Fails unless bytes go both ways; releases both ends. */
async function talk(client: SocketDuplex, server: SocketDuplex): Promise<void> {
  const [here, there] = [new End(client), new End(server)];
  await here.write(new Uint8Array([1, 2]));
  assertEquals(await there.readExactly(2), new Uint8Array([1, 2]));
  await there.write(new Uint8Array([3]));
  assertEquals(await here.readExactly(1), new Uint8Array([3]));
  here.drop();
  there.drop();
}

/** A rejection, not a throw, with this code and words for people. */
export async function assertFails(
  promise: Promise<unknown>,
  code: Failure,
): Promise<Error> {
  const result = await soon(outcome(promise), `a failure, ${code}`);
  assert(result.kind === "error", "it succeeded");
  assertInstanceOf(result.error, Error);
  assertEquals(codeOf(result.error), code, result.error.message);
  assert(result.error.message.length > 20, `this says little: ${result.error.message}`);
  return result.error;
}
