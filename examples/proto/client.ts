// The load client of the Rust crates' proto example:
//
//   deno run -A examples/proto/client.ts 127.0.0.1:9000
//   bun examples/proto/client.ts 127.0.0.1:9000
//   npx tsx examples/proto/client.ts 127.0.0.1:9000
//
// It keeps 256 unary echoes in flight over 4 connections, checks every response, and prints
// a line each second. --help lists its options.
import { loadClient } from "../support/load_client.ts";
import { echo } from "./load.ts";

await loadClient(echo);
