import { Connection } from "@protosocket/protosocket";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { connect } from "@protosocket/protosocket/sockets"; // or /deno, /bun, /node

const connection = new Connection(await connect({ port: 9000 }), {
  codec: lengthDelimited(),
  reactor: () => ({
    onInboundMessage(bytes) {
      console.log(new TextDecoder().decode(bytes));
      return "disconnect";
    },
  }),
});
await connection.sender.send(new TextEncoder().encode("hello"));
console.log(await connection.closed);
