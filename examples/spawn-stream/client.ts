// The load client of the Rust crates' proto-spawn-stream example:
//
//   deno run -A examples/spawn-stream/client.ts 127.0.0.1:9000
//   bun examples/spawn-stream/client.ts 127.0.0.1:9000
//   npx tsx examples/spawn-stream/client.ts 127.0.0.1:9000
//
// It reads 256 streams at a time over 4 connections, checks that every item is right and none is
// missing, and prints a line each second, in which an RPC is a whole stream. --help lists its
// options.
import { drive } from "../support/load_client.ts";
import { clientCodec, messages } from "./messages.ts";

await drive({ codec: clientCodec, messages }, async (client, number) => {
  const message = String(number);
  const nanotime = BigInt(number);
  const items = client.streaming({ requestId: 0n, code: 0, body: { message, nanotime } });
  let sequence = 0;
  for await (const { body } of items) {
    const expected = message[sequence];
    const inOrder = body?.sequence === BigInt(sequence) && body.nanotime === nanotime;
    if (!inOrder || body.message !== expected) {
      throw new Error(`Item ${sequence} of the stream for ${message} is not what it should be`);
    }
    sequence++;
  }
  if (sequence !== message.length) throw new Error(`The stream for ${message} is not complete`);
});
