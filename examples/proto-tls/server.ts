// The echo server of the Rust crates' proto-tls example: that of examples/proto over TLS.
//
//   deno run -A examples/proto-tls/server.ts 127.0.0.1:9000
//   bun examples/proto-tls/server.ts 127.0.0.1:9000
//   npx tsx examples/proto-tls/server.ts 127.0.0.1:9000
//
// It generates a self-signed certificate at the start, so clients have to accept it
// unverified.
import { listen } from "@protosocket/protosocket/sockets";
import process from "node:process";
import { generate } from "selfsigned";
import { serveEcho } from "../proto/service.ts";
import { formatAddress, parseAddress } from "../support/sockets.ts";

const name = [{ name: "commonName", value: "localhost" }];
const { cert, private: key } = await generate(name, { keyType: "ec", algorithm: "sha256" });

const listener = await listen({
  ...parseAddress(process.argv[2] ?? "127.0.0.1:9000"),
  tls: {
    cert,
    key,
    onHandshakeError: ({ message }) => console.error(message),
  },
});
const server = serveEcho(listener);
console.log(`listening ${formatAddress(listener.address)}`);
await server.finished;
