// The server of the Rust crates' proto-spawn-stream example, whose items are made off the
// connection:
//
//   deno run -A examples/spawn-stream/server.ts 127.0.0.1:9000
//   bun examples/spawn-stream/server.ts 127.0.0.1:9000
//   npx tsx examples/spawn-stream/server.ts 127.0.0.1:9000
//
// Normally the connection asks a stream for its next item when there is room to send it. Here a
// task of its own makes the items, whether they are asked for or not, as one does that reads from
// a database or a queue. The channel between the two is what bounds it: the task waits while the
// channel is full, and stops when the RPC is cancelled or the connection ends.
import process from "node:process";
import { refused, serveRpc } from "@protosocket/protosocket/rpc";
import { listen } from "@protosocket/protosocket/sockets";
import type { EchoRequest, Response } from "../proto/gen/spawn_stream.ts";
import { formatAddress, parseAddress } from "../support/sockets.ts";
import { Channel } from "./channel.ts";
import { messages, serverCodec } from "./messages.ts";

/** How many items a task may be ahead of its client. */
const AHEAD = 16;

/** Makes one item for each byte of the message. */
async function produce({ message, nanotime }: EchoRequest, into: Channel<Response>): Promise<void> {
  let sequence = 0n;
  for (const byte of new TextEncoder().encode(message)) {
    const body = { message: String.fromCharCode(byte), nanotime, sequence: sequence++ };
    if (!await into.send({ requestId: 0n, code: 0, body })) return;
  }
  into.close();
}

const listener = await listen(parseAddress(process.argv[2] ?? "127.0.0.1:9000"));
const server = serveRpc(listener, {
  codec: serverCodec,
  messages,
  service: () => ({ body }) => {
    if (!body) return refused;
    const channel = new Channel<Response>(AHEAD);
    // Nobody awaits the task, so what it throws goes to the reader.
    produce(body, channel).catch((error) => channel.close({ error }));
    return channel;
  },
});
process.on("SIGTERM", () => void server.close());
console.log(`listening ${formatAddress(listener.address)}`);
await server.finished;
