// The client of the fan-out by hand.
import { client } from "../../client.ts";
import { In, Out } from "../floor/frames.ts";
import { connect } from "../floor/sockets.ts";

await client(async (port) => {
  let heard: ((number: number, length: number) => void) | undefined;
  let early = false;
  let out!: Out;
  const raw = await connect(port, (raw) => {
    out = new Out(raw);
    const frames = new In(({ message, nanotime }) => {
      // Whoever has just connected may not have subscribed yet.
      heard ? heard(nanotime, message.length) : early = true;
    });
    return (bytes) => frames.push(bytes);
  });
  return {
    echo: (_text, _number, done) => done(new Error("It does not echo")),
    subscribe(hears) {
      heard = hears;
      if (early) heard(0, 0);
    },
    publish(message, nanotime) {
      out.append({ id: 0, message, nanotime, sequence: 0, body: 3, code: 0, streams: false });
      out.flush();
    },
    close: () => raw.close(),
  };
});
