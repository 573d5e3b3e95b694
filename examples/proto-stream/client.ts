// The streaming load client of the Rust crates' proto-stream example, for the server of
// examples/proto:
//
//   deno run -A examples/proto-stream/client.ts 127.0.0.1:9000
//   bun examples/proto-stream/client.ts 127.0.0.1:9000
//   npx tsx examples/proto-stream/client.ts 127.0.0.1:9000
//
// Each request asks for a stream: one item for each byte of its message. The client reads
// 256 streams at a time over 4 connections, checks every item and that none is missing,
// and prints a line each second: here an rpc is a whole stream. With --help it tells its
// options.
import { create, equals } from "@bufbuild/protobuf";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { echoMessages } from "../proto/echo.ts";
import {
  EchoStreamSchema,
  RequestSchema,
  ResponseBehavior,
  ResponseSchema,
} from "../proto/gen/echo_pb.ts";
import { drive } from "../support/load_client.ts";

await drive({
  codec: () => protobufEs(ResponseSchema, RequestSchema),
  messages: echoMessages,
}, async (client, number) => {
  const message = String(number);
  const nanotime = BigInt(number);
  const request = create(RequestSchema, {
    body: { message, nanotime },
    responseBehavior: ResponseBehavior.STREAM,
  });
  let sequence = 0;
  for await (const { kind } of client.streaming(request)) {
    const expected = create(EchoStreamSchema, {
      message: message[sequence],
      nanotime,
      sequence: BigInt(sequence),
    });
    if (kind.case !== "stream" || !equals(EchoStreamSchema, kind.value, expected)) {
      throw new Error(`Item ${sequence} of the stream for ${message} is not what it should be`);
    }
    sequence++;
  }
  if (sequence !== message.length) throw new Error(`The stream for ${message} is not complete`);
});
