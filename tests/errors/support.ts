import {
  type Duplex,
  duplexPair,
  type SocketAddress,
  type SocketDuplex,
} from "@protosocket/protosocket";
import { fail } from "@std/assert";
import { soon } from "../support/within.ts";

/** Where the other end of a {@linkcode pairFrom} is. */
export const ADDRESS: Extract<SocketAddress, { transport: "tcp" }> = {
  transport: "tcp",
  hostname: "192.0.2.7",
  port: 7,
};

/** A pair whose first end knows where the other is, as sockets do. */
export function pairFrom(): [SocketDuplex, Duplex] {
  const [{ readable, writable }, there] = duplexPair();
  return [{ readable, writable, remoteAddress: ADDRESS }, there];
}

/** The error that a promise must reject with. */
export async function errorOf(promise: Promise<unknown>, what: string): Promise<unknown> {
  const nothing = {};
  const error = await soon(promise.then(() => nothing, (error) => error), what);
  if (error === nothing) fail(`No error: ${what}`);
  return error;
}
