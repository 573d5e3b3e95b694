// The load client of the Rust crates' proto example:
//
//   deno run -A examples/proto/client.ts 127.0.0.1:9000
//   bun examples/proto/client.ts 127.0.0.1:9000
//   npx tsx examples/proto/client.ts 127.0.0.1:9000
//
// It keeps 256 unary echoes in flight over 4 connections, checks every answer, and
// prints a line each second. With --help it tells its options.
import { create } from "@bufbuild/protobuf";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { loadClient } from "../support/load_client.ts";
import { echoMessages } from "./echo.ts";
import { EchoRequestSchema, RequestSchema, ResponseSchema } from "./gen/echo_pb.ts";

await loadClient({
  codec: () => protobufEs(ResponseSchema, RequestSchema),
  messages: echoMessages,
  request(message, nanotime) {
    const body = create(EchoRequestSchema, { message, nanotime: BigInt(nanotime) });
    return create(RequestSchema, { body });
  },
  isEcho: ({ kind }, message, nanotime) =>
    kind.case === "echo" && kind.value.message === message &&
    kind.value.nanotime === BigInt(nanotime),
});
