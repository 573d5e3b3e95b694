import * as net from "node:net";
import process from "node:process";
import { checkKeepAlive, type KeepAliveOptions } from "../base/_keep_alive.ts";

/** Node has it since 24, and Bun and Deno ignore it. */
const onlyNode = process.versions.node !== undefined && !process.versions.bun &&
  !("deno" in process.versions);
const canAll = onlyNode && net.Socket.prototype.setKeepAlive.length >= 4;

/** Checks the option `keepAlive` for sockets of `node:net`. */
export function netKeepAlive(keepAlive: unknown): KeepAliveOptions | undefined {
  return checkKeepAlive(keepAlive, canAll ? ["idle", "interval", "count"] : ["idle"]);
}

/** The part of a socket that sets it. */
interface Settable {
  setKeepAlive(enable: boolean, idle: number, interval?: number, count?: number): unknown;
}

/** Sets it on a socket: on Deno, the option of a server has no effect. */
export function setKeepAlive(socket: Settable, keepAlive: KeepAliveOptions | undefined): void {
  if (!keepAlive) return;
  const { idle = 0, interval, count } = keepAlive;
  if (interval === undefined && count === undefined) socket.setKeepAlive(true, idle);
  else socket.setKeepAlive(true, idle, interval ?? 1000, count ?? 10);
}
