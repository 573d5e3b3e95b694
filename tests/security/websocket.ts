// What peers need that break the protocol of WebSockets below its messages.
import { concat } from "@std/bytes";
import { Attacker } from "./attacker.ts";

/** The first byte of a frame; the highest bit is for the last of a message, and for what is whole. */
export const PIECE = 0x00;
export const FIRST = 0x02;
export const LAST = 0x80;
export const WHOLE = 0x82;
export const CLOSE = 0x88;
export const PING = 0x89;
export const PONG = 0x8a;

/** A frame, masked with zeros. */
export function frame(head: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  const { length } = payload;
  const long = length < 126 ? 0 : length < 2 ** 16 ? 2 : 8;
  const size = new Uint8Array(2 + long);
  const view = new DataView(size.buffer);
  view.setUint8(0, head);
  view.setUint8(1, 0x80 | (long === 0 ? length : long === 2 ? 126 : 127));
  if (long === 2) view.setUint16(2, length);
  if (long === 8) view.setBigUint64(2, BigInt(length));
  return concat([size, new Uint8Array(4), payload]);
}

/** Connects and shakes hands; with `reads` false it never takes a byte after that. */
export async function dial(
  port: number,
  { reads = true }: { readonly reads?: boolean } = {},
): Promise<Attacker> {
  const attacker = await Attacker.dial(port);
  await attacker.write(new TextEncoder().encode(
    `GET / HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
      "sec-websocket-protocol: protosocket\r\n\r\n",
  ));
  await attacker.until((text) => /^HTTP\/1.1 101.*\r\n\r\n$/s.test(text), "a handshake");
  if (!reads) attacker.socket.pause();
  return attacker;
}

/** That a message is echoed: the server is well. */
export async function assertEchoed(port: number): Promise<void> {
  const client = await dial(port);
  client.received = [];
  await client.write(frame(WHOLE, Uint8Array.of(2, 104, 105)));
  const bytes = await client.receive(5);
  if (String(bytes) !== String([WHOLE, 3, 2, 104, 105])) throw new Error(`Not an echo: ${bytes}`);
  client.drop();
}
