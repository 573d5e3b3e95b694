import type { LinkOwner } from "./_link_owner.ts";
import type { Duplex } from "../duplex/duplex.ts";
import {
  type Decoded,
  decodingTransformer,
  type Encoded,
  encodingTransformer,
} from "../streams/_transformers.ts";

const NOTHING = new Uint8Array(0);
const ignore = () => {};
/**
 * How many messages a batch of the decoder's stream may have. A chunk of 64 KiB can contain as
 * many messages as bytes, and all of them would be objects in memory at once.
 */
const MAX_BATCH = 1024;
/**
 * For the codec's streams, which are read right after each write: without room, the stream
 * machinery waits for a pull on every chunk, which took a third of their time. Never full,
 * but not infinite: workerd takes integers only.
 */
const ROOM: QueuingStrategy = { highWaterMark: 2 ** 30 };

/**
 * The way of the data over a duplex that is a pair of streams: the codec's two
 * `TransformStream`s stand between it and the reactor. Each of the two loops is its own
 * backpressure: it takes no more before the other side of the codec has taken the last.
 */
export class StreamLink<Inbound, Outbound, Logical> {
  readonly #core: LinkOwner<Inbound, Outbound, Logical>;
  readonly #returnsBuffers: boolean;
  readonly #source: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder: WritableStreamDefaultWriter<Uint8Array>;
  readonly #batches: ReadableStreamDefaultReader<Inbound[]>;
  readonly #encoder: WritableStreamDefaultWriter<Iterable<Outbound>>;
  readonly #chunks: ReadableStreamDefaultReader<Uint8Array>;
  readonly #sink: WritableStreamDefaultWriter<Uint8Array>;
  readonly #decoded: Decoded = { batches: 0, sizes: new WeakMap() };
  readonly #encoded: Encoded = { chunks: 0 };
  /** The next batch, which is read ahead, and how many have been read before it. */
  #reading: Promise<ReadableStreamReadResult<Inbound[]>> | undefined;
  #batchesRead = 0;
  /** Wakes the outbound loop, and ends a wait of the inbound loop. */
  #wakeUp: () => void = ignore;
  #goOn: () => void = ignore;

  /** Locks the streams. */
  constructor(core: LinkOwner<Inbound, Outbound, Logical>, duplex: Duplex) {
    this.#core = core;
    this.#returnsBuffers = duplex.returnsBuffers ?? false;
    this.#source = duplex.readable.getReader();
    this.#sink = duplex.writable.getWriter();
    const decoder = new TransformStream(
      decodingTransformer(core.decoding, MAX_BATCH, this.#decoded),
      undefined,
      ROOM,
    );
    const encoder = new TransformStream(
      encodingTransformer(core.encoding, this.#encoded),
      undefined,
      ROOM,
    );
    this.#decoder = decoder.writable.getWriter();
    this.#batches = decoder.readable.getReader();
    this.#encoder = encoder.writable.getWriter();
    this.#chunks = encoder.readable.getReader();
  }

  /** A pair of streams does not tell. */
  readonly unsent = 0;

  start(): void {
    const core = this.#core;
    const fail = (error: unknown) => core.fail(error);
    // Notices a broken transport even while nothing is read.
    this.#source.closed.catch(fail);
    this.#receive().then(() => core.onInboundEnd()).catch(fail);
    this.#transmit().then(() => core.onFlushed(), fail);
  }

  flush(): void {
    const wakeUp = this.#wakeUp;
    this.#wakeUp = ignore;
    wakeUp();
  }

  onClosing(): void {
    this.#goOn();
    this.flush();
  }

  /** Ends all four streams at once, whatever each is waiting for. */
  abort(error: unknown): void {
    this.#sink.abort(error).catch(ignore);
    this.#encoder.abort(error).catch(ignore);
    this.#batches.cancel(error).catch(ignore);
    this.#source.cancel(error).catch(ignore);
    this.#goOn();
    this.flush();
  }

  /** The inbound loop: bytes to the decoder, and its batches to the reactor. */
  async #receive(): Promise<void> {
    const core = this.#core;
    const decoder = this.#decoder;
    handled(decoder);
    this.#readAhead();
    for (;;) {
      core.onReading();
      let { done, value: part } = await this.#source.read();
      if (done) break;
      if (!core.onRead(part!)) break;
      const { length } = part!;
      do {
        // What arrives once the connection closes is dropped.
        if (!core.delivering) break;
        await this.#decode(decoder.write(part!));
        // Also not to keep the chunk in memory while the next one is waited for.
        part = NOTHING;
      } while (core.decoding.behind);
      const wait = core.onChunkDone(length);
      if (wait) await this.#until(wait);
    }
    if (core.delivering) await this.#decode(decoder.close());
  }

  /** Passes on the batches that a write to the decoder completes. */
  async #decode(writing: Promise<void>): Promise<void> {
    const core = this.#core;
    let bad = false;
    // The read below rejects with the reason, after the messages before the bad one.
    await writing.catch(() => bad = true);
    while (core.delivering && (bad || this.#batchesRead < this.#decoded.batches)) {
      const { done, value: batch } = await this.#reading!;
      if (done) return;
      this.#batchesRead++;
      this.#readAhead();
      await this.#dispatch(batch);
    }
  }

  /** Reads the next batch before it is there: an error discards what is still queued in a stream. */
  #readAhead(): void {
    this.#reading = this.#batches.read();
    // The connection may close meanwhile, and ask no more.
    this.#reading.catch(ignore);
  }

  async #dispatch(batch: Inbound[]): Promise<void> {
    const core = this.#core;
    const sizes = this.#decoded.sizes.get(batch)!;
    core.onDispatched(batch.length);
    // By index: an iterator kept across an await costs a call for each message.
    for (let i = 0; i < batch.length && core.delivering; i++) {
      const wait = core.dispatch(batch[i]!, sizes[i]!);
      if (wait) await this.#until(wait);
    }
    // Not to keep the messages in memory, whoever still has the array.
    batch.length = 0;
  }

  /** Waits for the reactor, as long as the connection does not close meanwhile. */
  async #until(wait: Promise<void>): Promise<void> {
    const closing = new Promise<void>((resolve) => this.#goOn = resolve);
    wait.catch((error) => this.#core.failWaiting(error));
    // The reactor may have closed the connection, and wait for that.
    if (!this.#core.delivering) return;
    await Promise.race([wait.catch(ignore), closing]);
    this.#goOn = ignore;
  }

  /** The outbound loop: what is sent to the encoder, and its bytes to the socket, which paces both. */
  async #transmit(): Promise<void> {
    const core = this.#core;
    const { encoding, outbox } = core;
    handled(this.#encoder);
    handled(this.#sink);
    for (let sent = 0; !core.over;) {
      if (!outbox.ready) {
        core.onAllWritten();
        if (outbox.ended) break;
      }
      await this.#gathered();
      await this.#encoder.write(this.#turn);
      for (; sent < this.#encoded.chunks; sent++) {
        const { done, value: chunk } = await this.#chunks.read();
        if (done) return;
        const { length } = chunk;
        core.onWrite(length);
        const writing = this.#sink.write(chunk);
        core.onPending(length);
        await writing;
        if (this.#returnsBuffers) encoding.buffer.release(chunk);
        core.onTaken();
      }
    }
    await this.#sink.close();
  }

  /** Waits until there is something to send, and more has had the time to join it. */
  async #gathered(): Promise<void> {
    const { outbox } = this.#core;
    const woken = new Promise<void>((resolve) => this.#wakeUp = resolve);
    outbox.held = false;
    if (outbox.ready) outbox.gather();
    await woken;
    outbox.held = true;
  }

  /** A batch that encodes itself when the encoder iterates over it: only then is there room. */
  readonly #turn: Iterable<Outbound> = {
    [Symbol.iterator]: () => {
      this.#core.fill();
      return [][Symbol.iterator]();
    },
  };
}

/** Marks the writer's promises as handled: errors are seen where the writes are awaited. */
function handled({ closed, ready }: WritableStreamDefaultWriter): void {
  closed.catch(ignore);
  ready.catch(ignore);
}
