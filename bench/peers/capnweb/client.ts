// The client of the echo with capnweb.
import { WebSocket } from "ws";
import { client } from "../../client.ts";
import { capnweb } from "./library.ts";

await client(async (port) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  const stub = capnweb.newWebSocketRpcSession(socket);
  return {
    echo(text, number, done) {
      stub.echo({ message: text, nanotime: number }).then(
        ({ message, nanotime }) =>
          done(message === text && nanotime === number ? undefined : `${number} is not its echo`),
        done,
      );
    },
    close: () => socket.close(),
  };
});
