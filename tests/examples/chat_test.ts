import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { Program } from "../support/program.ts";
import { soon } from "../support/within.ts";

async function room(): Promise<{ server: Program; address: string; port: number }> {
  const server = new Program("examples/chat/server.ts", ["127.0.0.1:0"]);
  return { server, ...await server.listening() };
}

test("example chat: everyone gets each message, and who joins and leaves", async () => {
  const { server, address } = await room();
  await using _server = server;
  await using ada = new Program("examples/chat/client.ts", [address, "ada"]);
  await ada.until(/^\* ada is here: ada\n/);
  await using ben = new Program("examples/chat/client.ts", [address, "ben"]);
  await ada.until(/\* ben is here: ada, ben\n/);
  ada.type("hello");
  await ben.until(/^\* ben is here: ada, ben\nada: hello\n$/);
  ben.type("hello yourself");
  await ada.until(/ada: hello\nben: hello yourself\n$/);
  ben.endInput();
  assertEquals(await ben.ended, 0, ben.said);
  await ada.until(/\* ben is gone\n$/);
  server.kill("SIGKILL");
  assertEquals(await ada.ended, 0, ada.said);
});

test("example chat: a name can be used only once", async () => {
  const { server, port } = await room();
  await using _server = server;
  const one = new Typist(port, "eve");
  await one.hears("* eve is here: eve\n");
  const other = new Typist(port, "eve");
  await other.hears("* that name is taken: another?\n");
  other.socket.write("eva\n");
  await other.hears("* eva is here: eve, eva\n");
  one.socket.destroy();
  other.socket.destroy();
});

test("example chat: a slow member delays nobody, and is told how much it missed", async () => {
  const { server, port } = await room();
  await using _server = server;
  const slow = new Typist(port, "slow");
  await slow.hears("* slow is here: slow\n");
  slow.socket.pause();
  const talker = new Typist(port, "talker");
  await talker.hears("* talker is here: slow, talker\n");
  // More than the system's buffers and the server's queue hold for the slow one; the
  // talker itself reads what it says, and so keeps within its own queue.
  const some = `${"x".repeat(900)}\n`.repeat(50);
  for (let i = 1; i <= 450; i++) {
    talker.socket.write(`${some}that was ${i}\n`);
    await talker.hears(`talker: that was ${i}\n`);
  }
  slow.socket.resume();
  // It learns of it with the next line that there is room for.
  const reading = setInterval(() => talker.socket.write("still there?\n"), 20);
  await slow.hears("* you missed ");
  clearInterval(reading);
  slow.socket.destroy();
  talker.socket.destroy();
});

/** A member without our library: a socket, and what it has read. */
class Typist {
  readonly socket: Socket;
  #heard = "";

  constructor(port: number, name: string) {
    this.socket = connect({ port }).setEncoding("utf8").on("data", (text) => this.#heard += text);
    this.socket.write(`${name}\n`);
  }

  /** Waits for a text, and forgets all until its end. */
  async hears(text: string): Promise<void> {
    for (;;) {
      const at = this.#heard.indexOf(text);
      if (at >= 0) return void (this.#heard = this.#heard.slice(at + text.length));
      this.#heard = this.#heard.slice(-1000);
      await soon(once(this.socket, "data"), text);
    }
  }
}
