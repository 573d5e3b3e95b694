// How many handshakes may be under way: with sockets that do nothing, as it takes many.
import { assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import type { SocketAddress, TransportError } from "../../mod.ts";
import {
  Handshakes,
  MAX_HANDSHAKES,
  MAX_HANDSHAKES_PER_ADDRESS,
  type RawSocket,
} from "../../src/adapters/base/_handshakes.ts";

const LONG = 60_000;

class Socket implements RawSocket {
  destroyed = 0;
  destroy(): never {
    this.destroyed++;
    return undefined as never;
  }
}

/** An address of its own for each. */
function addressOf(port: number): SocketAddress {
  return { transport: "tcp", hostname: `10.0.${port >> 8}.${port & 255}`, port };
}

test("handshakes: beyond the limit, the oldest is aborted", () => {
  const told: [error: TransportError, remoteAddress?: SocketAddress][] = [];
  const handshakes = new Handshakes(LONG, (...failure) => told.push(failure));
  const sockets = Array.from({ length: MAX_HANDSHAKES + 2 }, () => new Socket());
  const begin = (id: number) => handshakes.begin(sockets[id]!, addressOf(id));
  for (let id = 0; id < MAX_HANDSHAKES; id++) begin(id);
  assertEquals(told.length, 0);
  begin(MAX_HANDSHAKES);
  // One that is done makes room.
  handshakes.done(sockets[1]!);
  begin(MAX_HANDSHAKES + 1);
  assertEquals(told.length, 1);
  const [error, remoteAddress] = told[0]!;
  assertEquals(error.code, "timed-out");
  assertMatch(error.message, /4096 younger ones are under way/);
  assertEquals(remoteAddress, addressOf(0));
  assertEquals(sockets.filter((socket) => socket.destroyed > 0), [sockets[0]!]);
  handshakes.close();
  assertEquals(sockets.map(({ destroyed }) => destroyed), sockets.map((_, id) => id === 1 ? 0 : 1));
  assertEquals(told.length, 1);
});

test("handshakes: a failure is reported once, and not after completion", () => {
  const told: TransportError[] = [];
  const handshakes = new Handshakes(LONG, (error) => told.push(error));
  const [first, second] = [new Socket(), new Socket()];
  const error = { code: "tls" } as TransportError;
  handshakes.begin(first, addressOf(1));
  handshakes.failed(first, error);
  handshakes.failed(first, error);
  assertEquals(handshakes.done(first), undefined);
  handshakes.begin(second, undefined);
  assertEquals(handshakes.done(second)?.remoteAddress, undefined);
  handshakes.failed(second, error);
  assertEquals(told, [error]);
});

test("handshakes: one address does not crowd out the others", () => {
  const told: (SocketAddress | undefined)[] = [];
  const handshakes = new Handshakes(LONG, (_error, address) => told.push(address));
  const victim = new Socket();
  handshakes.begin(victim, addressOf(1));
  const flood: SocketAddress = { transport: "tcp", hostname: "10.9.9.9", port: 1 };
  const sockets = Array.from({ length: MAX_HANDSHAKES_PER_ADDRESS + 3 }, () => new Socket());
  for (const socket of sockets) handshakes.begin(socket, flood);
  assertEquals(told, [flood, flood, flood]);
  assertEquals(sockets.map(({ destroyed }) => destroyed).slice(0, 4), [1, 1, 1, 0]);
  assertEquals(victim.destroyed, 0);
  // One that is done makes room.
  handshakes.done(sockets.at(-1)!);
  handshakes.begin(new Socket(), flood);
  assertEquals(told.length, 3);
  handshakes.close();
});
