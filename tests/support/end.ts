import { assertInstanceOf, fail } from "@std/assert";
import { type Duplex, TransportError } from "../../mod.ts";
import { readAll, readExactly } from "./bytes.ts";
import { outcome, soon } from "./within.ts";

/** One end of a pair, with its streams held. */
export class End {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor(duplex: Duplex) {
    this.reader = duplex.readable.getReader();
    this.writer = duplex.writable.getWriter();
  }

  write(bytes: Uint8Array): Promise<void> {
    return soon(this.writer.write(bytes), `a write of ${bytes.length} bytes`);
  }

  close(): Promise<void> {
    return soon(this.writer.close(), "the close of a writable");
  }

  abort(reason?: unknown): Promise<void> {
    return soon(this.writer.abort(reason), "an abort");
  }

  readAll(): Promise<Uint8Array> {
    return readAll(this.reader);
  }

  readExactly(length: number): Promise<Uint8Array> {
    return readExactly(this.reader, length);
  }

  /** Reads to the error that the peer's abort brings; fails if an end in order comes. */
  async broken(): Promise<TransportError> {
    for (;;) {
      const read = await soon(outcome(this.reader.read()), "the peer's abort");
      if (read.kind === "value" && read.value.done) fail("an end in order came");
      if (read.kind === "value") continue;
      assertInstanceOf(read.error, TransportError);
      return read.error;
    }
  }

  /** Gets rid of it, whatever state it is in. */
  drop(): void {
    this.writer.abort().catch(() => {});
    this.reader.cancel().catch(() => {});
  }
}
