// The load client of the Rust crates' MessagePack example:
//
//   deno run -A examples/messagepack/client.ts 127.0.0.1:9000
//   bun examples/messagepack/client.ts 127.0.0.1:9000
//   npx tsx examples/messagepack/client.ts 127.0.0.1:9000
//
// It keeps 256 unary echoes in flight over 4 connections, checks every response, and prints
// a line each second. --help lists its options.
import { loadClient } from "../support/load_client.ts";
import { clientCodec, echoMessages, request } from "./echo.ts";

await loadClient({
  codec: clientCodec,
  messages: echoMessages,
  request: (message, nanotime) => request({ message, nanotime }),
  isEcho: ({ kind }, message, nanotime) =>
    kind?.case === "Echo" && kind.value.message === message && kind.value.nanotime === nanotime,
});
