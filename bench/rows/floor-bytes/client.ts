// The client of the echo of bytes by hand over a raw socket.
import { payloadOf, sameEnds } from "../../bytes.ts";
import { client } from "../../client.ts";
import { connect } from "../floor/sockets.ts";
import { In, Out } from "./frames.ts";

await client(async (port) => {
  const calls = new Map<number, (data: Uint8Array) => void>();
  let lastId = 0;
  let out!: Out;
  const raw = await connect(port, (raw) => {
    out = new Out(raw);
    const frames = new In((id, data) => {
      const take = calls.get(id)!;
      calls.delete(id);
      take(data);
    });
    return (bytes) => frames.push(bytes);
  });
  return {
    echo(text, number, done) {
      const sent = payloadOf(text);
      const id = ++lastId;
      calls.set(id, (data) => done(sameEnds(data, sent) ? undefined : `${number} is not its echo`));
      out.append(id, sent);
    },
    close: () => raw.close(),
  };
});
