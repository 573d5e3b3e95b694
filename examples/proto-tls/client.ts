// The load client of the Rust crates' proto-tls example: that of examples/proto over TLS.
//
//   deno run -A examples/proto-tls/client.ts 127.0.0.1:9000
//   bun examples/proto-tls/client.ts 127.0.0.1:9000
//   npx tsx examples/proto-tls/client.ts 127.0.0.1:9000
//
// It accepts any certificate, since the server's is self-signed. For a server with a publicly
// trusted certificate use `tls: true`, for one of your own CA `tls: { caCerts: [...] }`.
import { echo } from "../proto/load.ts";
import { loadClient } from "../support/load_client.ts";

await loadClient(echo, { tls: { unverified: true } });
