// RPCs over QUIC. A stream of a QUIC connection has a readable and a writable, so it already
// is a Duplex, and no adapter is needed.
//
//   deno run -A --unstable-net examples/quic/main.ts
//
// Each RpcClient has a stream of its own, so a lost packet delays only the streams that it
// carried. Bytes, ends and backpressure are as the contract of Duplex requires. Aborts are
// not: a QUIC stream resets each direction on its own. Connection resets both.
import { Connection, type Duplex } from "@protosocket/protosocket";
import { json } from "@protosocket/protosocket/json";
import { RpcClient, type RpcMessages, rpcReactor } from "@protosocket/protosocket/rpc";
import process from "node:process";
import { generate } from "selfsigned";
import { type Plain, plain, plainMessage } from "../support/plain_messages.ts";

/** The part of Deno that is used; QUIC needs --unstable-net. */
interface Quic {
  QuicEndpoint?: new (at: { hostname: string; port: number }) => {
    readonly addr: { readonly port: number };
    listen(options: object): { accept(): Promise<QuicConnection> };
    close(): void;
  };
  connectQuic(options: object): Promise<QuicConnection>;
}

interface QuicConnection {
  readonly incomingBidirectionalStreams: ReadableStream<Duplex>;
  createBidirectionalStream(): Promise<Duplex>;
  close(): void;
}

type Message = Plain<string>;
const messages: RpcMessages<Message, Message> = {
  request: plainMessage(),
  response: plainMessage(),
};

const { Deno } = globalThis as { Deno?: Quic };
if (!Deno?.QuicEndpoint) {
  console.error("This needs: deno run -A --unstable-net examples/quic/main.ts");
  process.exit(1);
}

// QUIC always uses TLS; this certificate is self-signed.
const { cert, private: key } = await generate([{ name: "commonName", value: "localhost" }], {
  keyType: "ec",
  algorithm: "sha256",
  extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] }],
});
const protocol = { alpnProtocols: ["protosocket"] };
const endpoint = new Deno.QuicEndpoint({ hostname: "127.0.0.1", port: 0 });
const listener = endpoint.listen({ cert, key, ...protocol });

async function* letters({ body = "" }: Message): AsyncGenerator<Message> {
  for (const letter of body) yield plain(letter);
}

/** Serves RPCs on each stream of one connection. */
async function serveOne(): Promise<void> {
  const { incomingBidirectionalStreams } = await listener.accept();
  for await (const stream of incomingBidirectionalStreams) {
    new Connection(stream, {
      codec: json<Message>(),
      reactor: rpcReactor(
        messages,
        (request) =>
          request.body?.startsWith("spell ") ? letters(request) : plain(`${request.body}!`),
      ),
    });
  }
}

// It ends with the connection.
const served = serveOne().catch(() => {});
const { port } = endpoint.addr;
const connection = await Deno.connectQuic({
  hostname: "localhost",
  port,
  caCerts: [cert],
  ...protocol,
});
const clients = await Promise.all(Array.from({ length: 3 }, async () => {
  const stream = await connection.createBidirectionalStream();
  return new RpcClient<Message, Message>(stream, { codec: json<Message>(), messages });
}));
const answers = await Promise.all(clients.map((client, i) => client.unary(plain(`hello ${i}`))));
console.log(answers.map(({ body }) => body).join(", "));

let spelled = 0;
for await (const _ of clients[0]!.streaming(plain(`spell ${"x".repeat(1000)}`))) spelled++;
console.log(`${spelled} letters`);

for await (const { body } of clients[1]!.streaming(plain("spell nothing else"))) {
  // Leaving the loop cancels the RPC.
  console.log(body);
  break;
}
const ends = await Promise.all(clients.map((client) => client.close()));
console.log(ends.map(({ kind }) => kind).join(", "));
connection.close();
await served;
endpoint.close();
