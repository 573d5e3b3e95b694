import { serve } from "@protosocket/protosocket";
import { lengthDelimited } from "@protosocket/protosocket/length-delimited";
import { listen } from "@protosocket/protosocket/sockets"; // or /deno, /bun, /node

const server = serve(await listen({ port: 9000 }), () => ({
  codec: lengthDelimited(),
  // While the sender is full, nothing more is read from this client.
  reactor: (sender) => ({ onInboundMessage: (bytes) => sender.send(bytes) }),
}));
console.log("an echo server on 127.0.0.1:9000");
await server.finished;
