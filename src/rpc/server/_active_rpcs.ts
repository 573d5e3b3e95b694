import { IdTable } from "./_id_table.ts";
import type { ServedRpc } from "./_served_rpc.ts";
import type { RpcId } from "../message.ts";

/** The RPCs of a connection whose handlers have not returned, including cancelled ones. */
export class ActiveRpcs<Request, Response> implements Iterable<ServedRpc<Request, Response>> {
  readonly #rpcs: ServedRpc<Request, Response>[] = [];
  /** Those that can be cancelled. */
  #byId: IdTable<ServedRpc<Request, Response>> | undefined;
  /** How many are neither done nor returned, and what to call when none is left. */
  #awaited = 0;
  #waiting: (() => void)[] | undefined;

  /** How many there are. */
  get size(): number {
    return this.#rpcs.length;
  }

  /** Whether each RPC is done or its handler has returned. */
  get idle(): boolean {
    return this.#awaited === 0;
  }

  /** Adds an RPC that has just begun. */
  add(rpc: ServedRpc<Request, Response>): void {
    rpc.place = this.#rpcs.length;
    this.#rpcs.push(rpc);
    if (rpc.done) return;
    // If a client uses an id for two concurrent RPCs, a Cancel applies to the later one.
    (this.#byId ??= new IdTable()).set(rpc);
    rpc.cancellable = true;
    rpc.awaited = true;
    this.#awaited++;
  }

  /** The RPC of that id, unless it is done. */
  get(id: RpcId): ServedRpc<Request, Response> | undefined {
    return this.#byId?.get(id);
  }

  /** Marks an RPC as done, whether its handler has returned or not. May be called again. */
  close(rpc: ServedRpc<Request, Response>): void {
    if (rpc.cancellable) this.#byId!.delete(rpc);
    rpc.cancellable = false;
    this.#settle(rpc);
  }

  /** Removes an RPC whose handler has returned. */
  remove(rpc: ServedRpc<Request, Response>): void {
    const last = this.#rpcs.pop()!;
    if (last !== rpc) {
      this.#rpcs[rpc.place] = last;
      last.place = rpc.place;
    }
    rpc.place = -1;
    this.#settle(rpc);
  }

  /** Resolves once each RPC is done or its handler has returned. */
  async settled(): Promise<void> {
    if (this.#awaited === 0) return;
    await new Promise<void>((resolve) => (this.#waiting ??= []).push(resolve));
  }

  /** Iterates over a copy, since RPCs may end meanwhile. */
  [Symbol.iterator](): Iterator<ServedRpc<Request, Response>> {
    return [...this.#rpcs][Symbol.iterator]();
  }

  #settle(rpc: ServedRpc<Request, Response>): void {
    if (!rpc.awaited) return;
    rpc.awaited = false;
    if (--this.#awaited > 0 || !this.#waiting) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
