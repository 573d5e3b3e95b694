// The client of the echo by hand over a raw socket.
import type { Caller, Done } from "../../caller.ts";
import { client } from "../../client.ts";
import { In, type Message, Out } from "./frames.ts";
import { connect, type OnData, type Raw } from "./sockets.ts";

/** Takes a response; it was not what it should be if there is an error. */
type Take = (response: Message) => void;

class Floor implements Caller {
  readonly #calls = new Map<number, Take>();
  readonly #in = new In((response) => this.#calls.get(response.id)!(response));
  #raw!: Raw;
  #out!: Out;
  #lastId = 0;
  #flushes = false;

  open(raw: Raw): OnData {
    this.#raw = raw;
    this.#out = new Out(raw);
    return (bytes) => this.#in.push(bytes);
  }

  echo(text: string, number: number, done: Done): void {
    const id = this.#call({ message: text, nanotime: number, streams: false }, (response) => {
      this.#calls.delete(id);
      const same = response.message === text && response.nanotime === number;
      done(same ? undefined : `${number} is not its echo`);
    });
  }

  stream(items: number, bytes: number, done: Done): void {
    let sequence = 0;
    const request = { message: String(items), nanotime: bytes, streams: true };
    const id = this.#call(request, (response) => {
      if (response.body !== 0) {
        if (response.message.length === bytes && response.sequence === sequence++) return;
        return done(`Item ${sequence} is not what it should be`);
      }
      this.#calls.delete(id);
      done(sequence === items ? undefined : `The stream ended after ${sequence} items`);
    });
  }

  unread(): void {
    this.#raw.pause();
    this.#call({ message: "1000000000", nanotime: 64, streams: true }, () => {});
  }

  close(): void {
    this.#raw.close();
  }

  #call(request: Pick<Message, "message" | "nanotime" | "streams">, take: Take): number {
    const id = ++this.#lastId;
    this.#calls.set(id, take);
    const { message, nanotime, streams } = request;
    this.#out.append({ id, message, nanotime, sequence: 0, body: 3, code: 0, streams });
    // All that is called in a turn leaves in one write.
    if (!this.#flushes) queueMicrotask(this.#flush);
    this.#flushes = true;
    return id;
  }

  readonly #flush = () => {
    this.#flushes = false;
    this.#out.flush();
  };
}

await client(async (port) => {
  const floor = new Floor();
  await connect(port, (raw) => floor.open(raw));
  return floor;
});
