// The telnet example of the Rust crates: a message is one byte, typed by hand.
//
//   deno run -A examples/telnet/server.ts 127.0.0.1:9000
//   bun examples/telnet/server.ts 127.0.0.1:9000
//   npx tsx examples/telnet/server.ts 127.0.0.1:9000
//
// Then run `telnet 127.0.0.1 9000` or `nc 127.0.0.1 9000`, and type: each character is
// answered on a line of its own, white space not at all, and a digit after that many
// seconds. A byte that is not ASCII ends the connection.
//
// It shows a custom codec, whose decoder skips bytes, and a reactor that answers later, in
// any order.
import { setTimeout } from "node:timers/promises";
import process from "node:process";
import { type Codec, type Reactor, type Sender, serve } from "@protosocket/protosocket";
import { listen } from "@protosocket/protosocket/sockets";
import { formatAddress, parseAddress } from "../support/sockets.ts";

/** One byte is one message. */
const telnet: Codec<string> = {
  decoder: {
    decode(bytes, offset) {
      const byte = bytes[offset]!;
      if (byte > 0x7f) return { kind: "invalid", reason: `the byte ${byte} is not ASCII` };
      const text = String.fromCharCode(byte).trim();
      if (text === "") return { kind: "skip", distance: 1 };
      return { kind: "message", message: `${text} DECODED`, bytesUsed: 1 };
    },
  },
  encoder: {
    encode: (text, out) => out.write(new TextEncoder().encode(`${text} ENCODED\n`)),
  },
};

/** How many responses of one connection may be pending. */
const MAX_RUNNING = 64;

function reactor(sender: Sender<string>): Reactor<string> {
  const running = new Set<Promise<void>>();
  async function run(message: string): Promise<void> {
    await setTimeout(1000 * (parseInt(message) || 0));
    await sender.send(`${message} RAN`).catch(() => {/* the client has gone */});
  }
  return {
    onInboundMessage(message) {
      const answer = run(message).finally(() => running.delete(answer));
      running.add(answer);
      // Beyond that, nothing is read until a response has been sent.
      if (running.size >= MAX_RUNNING) return Promise.race(running);
    },
    // A client that has half-closed still gets its responses.
    async onInboundEnd() {
      await Promise.all(running);
    },
  };
}

const listener = await listen(parseAddress(process.argv[2] ?? "127.0.0.1:9000"));
const server = serve(listener, () => ({ codec: telnet, reactor }));
console.log(`listening ${formatAddress(listener.address)}`);
await server.finished;
