import type { Decoding } from "./_decoding.ts";
import type { Encoding } from "./_encoding.ts";
import { checkBytes } from "../check.ts";

/** A large batch is split into chunks of about this many bytes. */
const CHUNK = 64 * 1024;

/** What a stream has produced: how many batches, and the sizes of their messages. */
export interface Decoded {
  batches: number;
  readonly sizes: WeakMap<unknown[], number[]>;
}

/** Makes bytes to batches of at most `most` messages, as {@linkcode DecoderStream} has it. */
export function decodingTransformer<Message>(
  core: Decoding<Message>,
  most: number,
  progress: Decoded,
): Transformer<Uint8Array, Message[]> {
  /** Delivers what is left and up to `most` messages, also those before a bad one. */
  const deliver = (
    most: number,
    controller: TransformStreamDefaultController<Message[]>,
    next?: Uint8Array,
  ) => {
    const batch: Message[] = [];
    const sizes: number[] = [];
    const take = (most: number) => {
      while (batch.length < most && core.next()) {
        batch.push(core.message!);
        sizes.push(core.bytes);
      }
    };
    try {
      if (next) {
        // All that is left, and in one batch: an error after a second one would discard that.
        take(Infinity);
        core.feed(next);
      }
      take(most);
    } finally {
      if (batch.length > 0) {
        progress.batches++;
        progress.sizes.set(batch, sizes);
        controller.enqueue(batch);
      }
    }
  };
  return {
    transform(chunk, controller) {
      checkBytes("A chunk", chunk);
      deliver(most, controller, chunk.length > 0 ? chunk : undefined);
    },
    flush(controller) {
      deliver(Infinity, controller);
      core.end();
    },
  };
}

/** How many chunks a stream has produced. */
export interface Encoded {
  chunks: number;
}

/** Makes batches of messages to bytes, as {@linkcode EncoderStream} has it. */
export function encodingTransformer<Message>(
  core: Encoding<Message>,
  progress: Encoded,
): Transformer<Iterable<Message>, Uint8Array> {
  const { buffer } = core;
  return {
    transform(batch, controller) {
      const pass = (least: number) => {
        while (buffer.length >= least) {
          progress.chunks++;
          controller.enqueue(buffer.take());
        }
      };
      for (const message of batch) {
        core.encode(message);
        pass(CHUNK);
      }
      pass(1);
    },
  };
}
