// The load client of the Rust crates' proto-tls example: that of examples/proto over TLS.
//
//   deno run -A examples/proto-tls/client.ts 127.0.0.1:9000
//   bun examples/proto-tls/client.ts 127.0.0.1:9000
//   npx tsx examples/proto-tls/client.ts 127.0.0.1:9000
//
// It takes the server's certificate whatever it is. Against a server that has a proper
// one, that is `tls: true`, or `tls: { caCerts: [...] }` for an authority of your own.
import { echo } from "../proto/load.ts";
import { loadClient } from "../support/load_client.ts";

await loadClient(echo, { tls: { unverified: true } });
