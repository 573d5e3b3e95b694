// The client of the echo as JSON over WebSockets.
import { WebSocket } from "ws";
import type { Caller, Done } from "../../caller.ts";
import { client } from "../../client.ts";

class WsJson implements Caller {
  readonly #socket: WebSocket;
  readonly #calls = new Map<number, [text: string, number: number, done: Done]>();
  #lastId = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      const { id, message, nanotime } = JSON.parse(String(data));
      const [text, number, done] = this.#calls.get(id)!;
      this.#calls.delete(id);
      done(message === text && nanotime === number ? undefined : `${number} is not its echo`);
    });
  }

  echo(message: string, nanotime: number, done: Done): void {
    const id = ++this.#lastId;
    this.#calls.set(id, [message, nanotime, done]);
    this.#socket.send(JSON.stringify({ id, message, nanotime }));
  }

  close(): void {
    this.#socket.close();
  }
}

await client(async (port) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  return new WsJson(socket);
});
