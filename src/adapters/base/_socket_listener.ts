import { renameSync, statSync } from "node:fs";
import type { SocketAddress, SocketDuplex } from "../../duplex/duplex.ts";
import type { SocketListener } from "../../duplex/listener.ts";
import { listenerOf } from "./_listener.ts";
import { noCertificate } from "./_options.ts";

/** Makes a listener of one that listens; see {@linkcode listenerOf}. */
export function socketListenerOf(
  address: SocketAddress,
  accepted: AsyncIterable<SocketDuplex>,
  stop: () => void | Promise<void>,
  setCertificate: SocketListener["setCertificate"] = noCertificate,
): SocketListener {
  const file = address.transport === "unix" ? new SocketFile(address.path) : undefined;
  const close = () => file ? file.leave(stop) : stop();
  return { ...listenerOf(address, accepted, close), setCertificate };
}

/**
 * The file of a Unix listener. Runtimes remove whatever is at its path when the listener
 * closes, also the file of a successor that has taken the path over.
 */
class SocketFile {
  readonly #path: string;
  readonly #inode: number | undefined;

  /** Call it once the listener listens. */
  constructor(path: string) {
    this.#path = path;
    this.#inode = inodeOf(path);
  }

  /** Closes the listener by `close`, but leaves the file of a successor. */
  leave(close: () => void | Promise<void>): void | Promise<void> {
    const now = inodeOf(this.#path);
    if (now === undefined || now === this.#inode) return close();
    const aside = `${this.#path}.${now}`;
    try {
      renameSync(this.#path, aside);
    } catch {
      // Who may not rename it may not remove it either.
      return close();
    }
    const back = () => renameSync(aside, this.#path);
    let closing: void | Promise<void>;
    try {
      closing = close();
    } catch (error) {
      back();
      throw error;
    }
    // At once if it can be: the program may exit then.
    return closing ? closing.finally(back) : back();
  }
}

function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}
