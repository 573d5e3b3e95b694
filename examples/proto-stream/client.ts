// The streaming load client of the Rust crates' proto-stream example, for the server of
// examples/proto:
//
//   deno run -A examples/proto-stream/client.ts 127.0.0.1:9000
//   bun examples/proto-stream/client.ts 127.0.0.1:9000
//   npx tsx examples/proto-stream/client.ts 127.0.0.1:9000
//
// Each request asks for a stream of one item per byte of its message. The client reads 256
// streams at a time over 4 connections, checks that every item is right and none is missing,
// and prints a line each second, in which an RPC is a whole stream. --help lists its options.
import { clientCodec, echoMessages } from "../proto/echo.ts";
import { ResponseBehavior } from "../proto/gen/echo.ts";
import { drive } from "../support/load_client.ts";

await drive({ codec: clientCodec, messages: echoMessages }, async (client, number) => {
  const message = String(number);
  const nanotime = BigInt(number);
  const items = client.streaming({
    requestId: 0n,
    code: 0,
    body: { message, nanotime },
    responseBehavior: ResponseBehavior.STREAM,
  });
  let sequence = 0;
  for await (const { kind } of items) {
    if (
      kind?.$case !== "stream" || kind.value.message !== message[sequence] ||
      kind.value.nanotime !== nanotime || kind.value.sequence !== BigInt(sequence)
    ) {
      throw new Error(`Item ${sequence} of the stream for ${message} is not what it should be`);
    }
    sequence++;
  }
  if (sequence !== message.length) throw new Error(`The stream for ${message} is not complete`);
});
