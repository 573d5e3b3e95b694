// A chat client: sends what is typed, and prints what it receives.
//
//   deno run -A examples/chat/client.ts 127.0.0.1:9000 name
//   bun examples/chat/client.ts 127.0.0.1:9000 name
//   npx tsx examples/chat/client.ts 127.0.0.1:9000 name
import process from "node:process";
import { createInterface } from "node:readline";
import { Connection } from "@protosocket/protosocket";
import { lines } from "@protosocket/protosocket/lines";
import { connect } from "@protosocket/protosocket/sockets";
import { parseAddress } from "../support/sockets.ts";

const [address = "127.0.0.1:9000", name = "somebody"] = process.argv.slice(2);
const typed = createInterface({ input: process.stdin });
const connection = new Connection(await connect(parseAddress(address)), {
  codec: lines(),
  reactor: () => ({
    onInboundMessage: (line) => console.log(line),
    onClose: () => typed.close(),
  }),
});
await connection.sender.send(name);
for await (const line of typed) await connection.sender.send(line);
await connection.close();
