import type { LinkOwner } from "./_link_owner.ts";
import type { Decoding } from "../streams/_decoding.ts";
import type { Duplex, Receiver, Transport } from "../duplex/duplex.ts";
import type { EncodeBuffer } from "../streams/encode_buffer.ts";

/**
 * The way of the data over a duplex with a synchronous face: what arrives is decoded and
 * handled, and what has been sent meanwhile is encoded and written, in one turn of the event
 * loop, with no promise unless somebody has to wait.
 */
export class TurnLink<Inbound, Outbound, Logical> implements Receiver {
  readonly #core: LinkOwner<Inbound, Outbound, Logical>;
  readonly #decoding: Decoding<Inbound>;
  readonly #buffer: EncodeBuffer;
  readonly #transport: Transport;
  readonly #returnsBuffers: boolean;
  /** Counts the waits for the reactor, so that one that is over can be told from the latest. */
  #waits = 0;
  /** Whether the reactor's promise, or `maxPipelinedBytes`, holds back what has arrived. */
  #waiting = false;
  /** The chunk that arrived meanwhile; with it, the transport pauses. */
  #next: Uint8Array | undefined;
  /** The length of the chunk that is being dispatched, until it has been accounted for. */
  #length = 0;
  /** Whether the peer has ended, while its last messages wait. */
  #peerEnded = false;
  /** Whether a turn is under way, which writes at its end. */
  #inTurn = false;
  /** What the transport has not taken yet, and whether that is our end. */
  #written: Uint8Array | undefined;
  #ending = false;

  /** Takes the duplex over, and reads from it at once. */
  constructor(core: LinkOwner<Inbound, Outbound, Logical>, duplex: Duplex) {
    this.#core = core;
    this.#decoding = core.decoding;
    this.#buffer = core.encoding.buffer;
    this.#returnsBuffers = duplex.returnsBuffers ?? false;
    this.#transport = duplex.attach!(this);
  }

  /** How many bytes the transport has not handed on yet. */
  get unsent(): number {
    return this.#transport.unsent;
  }

  start(): void {
    this.#core.onReading();
    this.#transport.resume();
  }

  onBytes(chunk: Uint8Array): void {
    if (!this.#core.onRead(chunk)) return;
    if (this.#waiting) {
      this.#next = chunk;
      this.#transport.pause();
    } else {
      this.#dispatch(chunk);
    }
  }

  onEnd(): void {
    this.#peerEnded = true;
    if (!this.#waiting) this.#endInbound();
  }

  onDrain(): void {
    if (this.#ending) return this.#core.onFlushed();
    this.#taken(this.#written!);
    this.#written = undefined;
    this.flush();
  }

  onLost(error: Error): void {
    this.#core.fail(error);
  }

  /**
   * Writes what there is to send, unless a turn is under way, or a write, or messages are being
   * encoded: they go on by themselves.
   */
  flush(): void {
    if (this.#inTurn || this.#written || this.#ending || this.#core.outbox.filling) return;
    this.#inTurn = true;
    this.#endTurn();
  }

  /** The connection closes in order: what arrives is dropped from now on. */
  onClosing(): void {
    this.#decoding.drop();
    if (this.#waiting) this.#goOn();
  }

  abort(error: unknown): void {
    this.#next = undefined;
    this.#decoding.drop();
    this.#transport.abort(error);
  }

  #dispatch(chunk: Uint8Array): void {
    if (!this.#core.delivering) return;
    this.#length = chunk.length;
    this.#decoding.feed(chunk);
    this.#run();
  }

  /** Passes messages to the reactor until there are no more, or it wants to wait. */
  #run(): void {
    const core = this.#core;
    const decoding = this.#decoding;
    this.#inTurn = core.outbox.held = true;
    const before = decoding.decoded;
    let wait: Promise<void> | undefined;
    try {
      while (core.delivering && decoding.next()) {
        // The decoder may have ended the connection.
        if (!core.delivering) break;
        wait = core.dispatch(decoding.message!, decoding.bytes);
        if (wait) break;
      }
      core.onDispatched(decoding.decoded - before);
      if (!wait) {
        wait = core.onChunkDone(this.#length);
        this.#length = 0;
      }
    } catch (error) {
      core.fail(error);
    }
    if (wait) this.#wait(wait);
    // The reactor may have closed the connection, and wait for that.
    if (wait && !core.delivering) this.#goOn();
    else if (!wait) core.onReading();
    this.#endTurn();
  }

  #wait(wait: Promise<void>): void {
    const turn = ++this.#waits;
    this.#waiting = true;
    wait.then(
      () => turn === this.#waits && this.#goOn(),
      (error) => this.#core.failWaiting(error),
    );
  }

  /** Nothing is waited for any more. */
  #goOn(): void {
    this.#waits++;
    this.#waiting = false;
    const core = this.#core;
    if (core.over) return;
    if (core.delivering && (this.#decoding.behind || this.#length > 0)) this.#run();
    if (!this.#waiting && this.#next) {
      const next = this.#next;
      this.#next = undefined;
      this.#transport.resume();
      this.#dispatch(next);
    }
    if (this.#waiting) return;
    if (this.#peerEnded) this.#endInbound();
    else core.onReading();
  }

  #endInbound(): void {
    try {
      if (this.#core.delivering) this.#decoding.end();
      this.#core.onInboundEnd();
    } catch (error) {
      this.#core.fail(error);
    }
  }

  /** Encodes and writes, until there is nothing more or the transport has had enough. */
  #endTurn(): void {
    const core = this.#core;
    const buffer = this.#buffer;
    core.outbox.held = true;
    try {
      while (!this.#written && !core.over && core.outbox.ready) {
        core.fill();
        // The reactor only said that it had something.
        if (buffer.length === 0) break;
        while (buffer.length > 0 && !this.#written && !core.over) this.#write(buffer.take());
      }
    } catch (error) {
      core.fail(error);
    }
    this.#inTurn = false;
    if (this.#written || core.over) return;
    core.outbox.held = false;
    // More is due if none of a full budget could be encoded, for example.
    if (core.outbox.ready) return core.outbox.gather();
    core.onAllWritten();
    if (core.outbox.ended) this.#end();
  }

  #write(chunk: Uint8Array): void {
    this.#core.onWrite(chunk.length);
    this.#written = chunk;
    if (!this.#transport.write(chunk)) return this.#core.onPending(chunk.length);
    this.#written = undefined;
    this.#taken(chunk);
  }

  #taken(chunk: Uint8Array): void {
    if (this.#returnsBuffers) this.#buffer.release(chunk);
    this.#core.onTaken();
  }

  #end(): void {
    this.#ending = true;
    if (this.#transport.end()) this.#core.onFlushed();
  }
}
