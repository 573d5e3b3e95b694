import { Fifo } from "../../../waits/fifo.ts";
import { IdTable } from "../_id_table.ts";
import type { MessageKeeper, RpcId } from "../../message.ts";

/** What a request takes in memory besides its bytes, roughly. */
const OVERHEAD = 64;
/** From this many bytes on, the connection should stop reading. */
const ENOUGH = 1024 * 1024;
/** From this many bytes on it must, or some are refused. */
const MOST = 4 * 1024 * 1024;

/** A request that has not been begun. */
export interface HeldRequest<Request> {
  readonly id: RpcId;
  readonly request: Request;
  readonly cost: number;
  /** Whether the client has cancelled it meanwhile. */
  cancelled: boolean;
}

/**
 * The requests beyond `maxConcurrentRpcs`. Some are held so that the connection can read on:
 * behind them may be the Cancel, or the grant of a stream, that lets an RPC end.
 */
export class HeldRequests<Request> {
  readonly #line = new Fifo<HeldRequest<Request>>();
  readonly #byId = new IdTable<HeldRequest<Request>>();
  readonly #keeper: MessageKeeper<Request> | undefined;
  #bytes = 0;

  constructor(keeper: MessageKeeper<Request> | undefined) {
    this.#keeper = keeper;
  }

  get length(): number {
    return this.#line.length;
  }

  /** Whether no more should be added. */
  get full(): boolean {
    return this.#bytes >= ENOUGH;
  }

  /** Whether no more may be added. */
  get overfull(): boolean {
    return this.#bytes >= MOST;
  }

  push(id: RpcId, request: Request, bytes: number): void {
    const more = this.#keeper?.add(request) ?? 0;
    const held = { id, request, cost: bytes + OVERHEAD + more, cancelled: false };
    this.#line.push(held);
    this.#byId.set(held);
    this.#bytes += held.cost;
  }

  /** Takes the oldest. There must be one. */
  shift(): HeldRequest<Request> {
    const held = this.#line.shift();
    this.#byId.delete(held);
    this.#bytes -= held.cost;
    if (this.length === 0) this.#keeper?.clear();
    return held;
  }

  /** Marks the request with that id as cancelled, if there is one; it keeps its place. */
  cancel(id: RpcId): void {
    const held = this.#byId.get(id);
    if (held) held.cancelled = true;
  }
}
