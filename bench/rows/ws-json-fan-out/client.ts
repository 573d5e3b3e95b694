// The client of the fan-out as JSON over WebSockets.
import { WebSocket } from "ws";
import { client } from "../../client.ts";

await client(async (port) => {
  let heard: ((number: number, length: number) => void) | undefined;
  let early = false;
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  socket.on("message", (data) => {
    const { message, nanotime } = JSON.parse(String(data));
    // Whoever has just connected may not have subscribed yet.
    heard ? heard(nanotime, message.length) : early = true;
  });
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  return {
    echo: (_text, _number, done) => done(new Error("It does not echo")),
    subscribe(hears) {
      heard = hears;
      if (early) heard(0, 0);
    },
    publish: (message, nanotime) => socket.send(JSON.stringify({ message, nanotime })),
    close: () => socket.close(),
  };
});
