// The fan-out by hand over raw sockets: a message is encoded once.
import { serving } from "../../server.ts";
import { In, type Message, Out } from "../floor/frames.ts";
import { listen, type Raw } from "../floor/sockets.ts";

const outs = new Set<Out>();

function item(message: string, nanotime: number): Message {
  return { id: 0, message, nanotime, sequence: 0, body: 4, code: 0, streams: false };
}

/** What a message is on the wire. */
function encoded(message: Message): Uint8Array {
  let bytes = new Uint8Array(0);
  const out = new Out({ write: (all) => void (bytes = all.slice()), pause() {}, close() {} });
  out.append(message);
  out.flush();
  return bytes;
}

await serving(
  await listen((raw: Raw) => {
    const out = new Out(raw);
    outs.add(out);
    raw.onClose = () => outs.delete(out);
    out.append(item("", 0));
    out.flush();
    const frames = new In(({ message, nanotime }) => {
      const bytes = encoded(item(message, nanotime));
      for (const out of outs) {
        out.write(bytes);
        out.flush();
      }
    });
    return (bytes) => frames.push(bytes);
  }),
);
