// The echo by hand over a raw socket: what the work costs with no library at all.
import { serving } from "../../server.ts";
import { In, type Message, Out } from "./frames.ts";
import { listen, type OnData, type Raw } from "./sockets.ts";

const ITEM = 4;
const ENDED = 2;

/** A stream that is being sent. */
interface Items {
  readonly id: number;
  readonly message: string;
  readonly count: number;
  sent: number;
}

function open(raw: Raw): OnData {
  const out = new Out(raw);
  const streams: Items[] = [];

  function fill(): void {
    while (streams.length > 0 && !out.full) {
      const stream = streams.shift()!;
      const { id, message, count } = stream;
      while (stream.sent < count && !out.full) out.append(item(id, message, stream.sent++));
      if (stream.sent < count) streams.push(stream);
      else out.append({ ...item(id, "", 0), body: 0, code: ENDED });
    }
    out.flush();
    if (streams.length > 0 && !out.full) setImmediate(fill);
  }
  out.onRoom = fill;

  const frames = new In((message: Message) => {
    // What a client says besides its requests, such as that a stream was cancelled.
    if (message.code !== 0) return;
    if (message.streams) {
      const text = "x".repeat(message.nanotime);
      streams.push({ id: message.id, message: text, count: Number(message.message), sent: 0 });
    } else {
      out.append(message);
    }
  });
  return (bytes) => {
    frames.push(bytes);
    if (streams.length > 0) fill();
    else out.flush();
  };
}

function item(id: number, message: string, sequence: number): Message {
  return { id, message, nanotime: 0, sequence, body: ITEM, code: 0, streams: false };
}

await serving(await listen(open));
