import type { SendBudget, Sender } from "../../../mod.ts";
import { Fifo } from "../../waits/fifo.ts";
import { grantOf } from "../_flow.ts";
import type { Intake } from "./intake/_intake.ts";
import type { RpcId } from "../message.ts";
import { madeOf } from "../made.ts";
import type { Outgoing } from "./_outgoing.ts";
import { Due, type ServedRpc, type ServedStream, wakeUp } from "./_served_rpc.ts";

/** The streams of responses of a connection, each at the pace of its reader. */
export class Streams<Request, Response> {
  readonly #outgoing: Outgoing<Request, Response>;
  readonly #sender: Sender<Response>;
  readonly #intake: Pick<Intake<Request>, "readOn">;
  /** RPCs with synchronous streams, whose items are pulled when there is room to send. */
  readonly #sources = new Fifo<ServedRpc<Request, Response>>();

  /** When a stream begins to wait for its reader, `intake` may read on. */
  constructor(
    outgoing: Outgoing<Request, Response>,
    sender: Sender<Response>,
    intake: Pick<Intake<Request>, "readOn">,
  ) {
    this.#outgoing = outgoing;
    this.#sender = sender;
    this.#intake = intake;
  }

  /** How many synchronous streams may have items. */
  get sources(): number {
    return this.#sources.length;
  }

  /** Begins to send the items of an RPC. */
  begin(rpc: ServedRpc<Request, Response>, stream: ServedStream<Response>): void {
    if (stream.isAsync) {
      this.#run(rpc, stream, stream.iterator as AsyncIterator<Response>);
    } else {
      this.#sources.push(rpc);
      this.#sender.wake();
    }
  }

  /** Sends items of the pulled streams, each its share of the budget. */
  pull(budget: SendBudget<Response>): void {
    for (let left = this.#sources.length; left > 0 && budget.remaining > 0; left--) {
      const rpc = this.#sources.shift();
      const share = Math.ceil(budget.remaining / left);
      if (!rpc.done && this.#give(rpc, rpc.stream!, budget, share)) this.#sources.push(rpc);
    }
  }

  /** The client has read something of a stream. */
  onGrant(id: RpcId): void {
    const { active, window } = this.#outgoing;
    const rpc = active.get(id);
    if (rpc?.stream === undefined || window === undefined) return;
    rpc.stream.ahead = Math.max(0, rpc.stream.ahead - grantOf(window));
    if (this.#mayGoOn(rpc.stream)) this.unpark(rpc, rpc.stream);
  }

  /** Lets a stream go on that waits for its reader. */
  unpark(rpc: ServedRpc<Request, Response>, stream: ServedStream<Response>): void {
    if (!stream.parked) return;
    stream.parked = false;
    this.#outgoing.waited(rpc);
    if (rpc.done || stream.resume) return wakeUp(stream);
    this.#sources.push(rpc);
    this.#sender.wake();
  }

  /** Lets all streams go on that wait for their readers. */
  unparkAll(): void {
    for (const rpc of this.#outgoing.active) if (rpc.stream) this.unpark(rpc, rpc.stream);
  }

  /** The connection has ended. */
  close(): void {
    this.#sources.clear();
  }

  /** Sends the items of an asynchronous stream, one after the other. */
  async #run(
    rpc: ServedRpc<Request, Response>,
    stream: ServedStream<Response>,
    iterator: AsyncIterator<Response>,
  ): Promise<void> {
    const outgoing = this.#outgoing;
    try {
      const made = madeOf(iterator);
      while (!rpc.done) {
        if (!this.#mayGoOn(stream)) {
          await this.#park(rpc, stream);
          continue;
        }
        let result: IteratorResult<Response>;
        if (made === undefined || made.over) {
          result = await iterator.next();
        } else {
          try {
            result = made.given(await made.source.next());
          } catch (error) {
            result = made.thrown(error);
          }
        }
        const { done, value } = result;
        if (rpc.done) break;
        if (done) {
          outgoing.last(rpc, Due.end);
          break;
        }
        rpc.response = value;
        outgoing.due(rpc, Due.item);
        this.#sender.pull();
        if (rpc.due !== Due.item) continue;
        this.#sender.wake();
        await new Promise<void>((resolve) => stream.resume = resolve);
      }
    } catch (error) {
      outgoing.fail(rpc, error);
    }
    outgoing.return(rpc);
  }

  /** Whether the client wants another item of that stream now. */
  #mayGoOn({ ahead }: ServedStream<Response>): boolean {
    const { window } = this.#outgoing;
    return window === undefined || ahead < window;
  }

  /** Lets a stream wait for its reader. */
  #park(rpc: ServedRpc<Request, Response>, stream: ServedStream<Response>): Promise<void> {
    stream.parked = true;
    this.#outgoing.wait(rpc);
    return new Promise<void>((resolve) => {
      stream.resume = resolve;
      this.#intake.readOn();
    });
  }

  /** Sends a number of items of a stream; returns whether there may be more. */
  #give(
    rpc: ServedRpc<Request, Response>,
    stream: ServedStream<Response>,
    budget: SendBudget<Response>,
    share: number,
  ): boolean {
    for (let given = 0; given < share && budget.remaining > 0; given++) {
      if (!this.#mayGoOn(stream)) {
        stream.parked = true;
        this.#outgoing.wait(rpc);
        this.#intake.readOn();
        return false;
      }
      let result: IteratorResult<Response> | undefined;
      stream.running = true;
      try {
        result = (stream.iterator as Iterator<Response>).next();
        if (!rpc.done && !result.done) rpc.response = result.value;
      } catch (error) {
        this.#outgoing.fail(rpc, error);
      }
      stream.running = false;
      if (rpc.done) {
        // Perhaps it has ended its own connection.
        rpc.leave();
        return false;
      }
      if (result!.done) {
        this.#outgoing.last(rpc, Due.end);
        return false;
      }
      rpc.due = Due.item;
      this.#outgoing.emit(rpc, budget);
      if (rpc.done) return false;
    }
    return true;
  }
}
