// The two faces of a duplex, over the same end of a connection in memory.
import type { Duplex, TransportError } from "@protosocket/protosocket";
import type { Receiver, Transport } from "../../src/duplex/duplex.ts";
import type { VirtualClock } from "./clock.ts";
import type { Pipe } from "./pipe.ts";

/** One end of a connection. */
export interface End {
  readonly inbound: Pipe;
  readonly outbound: Pipe;
  /** Whether the connection was broken, and this end has been told. */
  readonly broken: TransportError | undefined;
  /** Called when this end is told that the connection is broken. */
  onBroken: (error: TransportError) => void;
  /** This end breaks it. */
  abort(reason: unknown): void;
}

/** A `Duplex` of streams. */
export function streamFace(end: End): Pick<Duplex, "readable" | "writable"> {
  let source!: ReadableStreamDefaultController<Uint8Array>;
  let sink!: WritableStreamDefaultController;
  let wanted: (() => void) | undefined;
  let over = false;
  let goOn: () => void = () => {};
  const feed = () => {
    if (wanted === undefined || over) return;
    const part = end.inbound.take();
    if (part === undefined) return;
    const done = wanted;
    wanted = undefined;
    if (part === "end") {
      over = true;
      source.close();
    } else source.enqueue(part);
    done();
  };
  const readable = new ReadableStream<Uint8Array>({
    start: (controller) => void (source = controller),
    pull: () => {
      const pulled = new Promise<void>((resolve) => wanted = resolve);
      feed();
      return pulled;
    },
    cancel: (reason) => {
      over = true;
      if (!end.inbound.finished) end.abort(reason);
    },
  }, { highWaterMark: 0 });
  const writable = new WritableStream<Uint8Array>({
    start: (controller) => {
      sink = controller;
      const { signal } = controller;
      signal.addEventListener("abort", () => {
        end.abort(signal.reason);
        goOn();
      });
    },
    async write(chunk) {
      for (let at = 0;;) {
        if (end.broken) throw end.broken;
        at += end.outbound.write(chunk.subarray(at));
        if (at === chunk.length) return;
        await new Promise<void>((resolve) => goOn = resolve);
      }
    },
    close: () => end.outbound.end(),
  });
  end.inbound.onArrival = feed;
  end.outbound.onRoom = () => goOn();
  end.onBroken = (error) => {
    if (!over) source.error(error);
    over = true;
    if (!sink.signal.aborted) sink.error(error);
    goOn();
    wanted?.();
  };
  return { readable, writable };
}

/** The synchronous face; `late()` tells of a write that was taken whether that is told later only. */
export function syncFace(
  end: End,
  clock: VirtualClock,
  late: () => boolean,
  receiver: Receiver,
): Transport {
  let paused = true;
  let over = false;
  let rest: Uint8Array | undefined;
  const feed = () => {
    while (!paused && !over) {
      const part = end.inbound.take();
      if (part === undefined) return;
      if (part !== "end") receiver.onBytes(part);
      else {
        over = true;
        receiver.onEnd();
      }
    }
  };
  const drained = () => {
    if (!end.broken) receiver.onDrain();
  };
  end.inbound.onArrival = feed;
  end.outbound.onRoom = () => {
    if (rest === undefined) return;
    rest = rest.subarray(end.outbound.write(rest));
    if (rest.length > 0) return;
    rest = undefined;
    drained();
  };
  end.onBroken = (error) => {
    over = true;
    receiver.onLost(error);
  };
  if (end.broken) clock.at(0, () => end.onBroken(end.broken!));
  return {
    write(bytes) {
      if (end.broken) return false;
      if (rest) throw new Error("A write came before the last one was taken");
      const taken = end.outbound.write(bytes);
      if (taken < bytes.length) {
        rest = bytes.subarray(taken);
        return false;
      }
      if (!late()) return true;
      clock.at(0, drained);
      return false;
    },
    end() {
      if (rest) throw new Error("The end came before the last write was taken");
      if (end.broken) return false;
      end.outbound.end();
      return true;
    },
    get unsent() {
      return rest?.length ?? 0;
    },
    pause: () => void (paused = true),
    resume() {
      if (!paused) return;
      paused = false;
      clock.at(0, feed);
    },
    abort: (reason) => end.abort(reason),
  };
}
