// The echo of bytes by hand over a raw socket.
import { serving } from "../../server.ts";
import { listen, type OnData, type Raw } from "../floor/sockets.ts";
import { In, Out } from "./frames.ts";

function open(raw: Raw): OnData {
  const out = new Out(raw);
  const frames = new In((id, data) => out.append(id, data));
  return (bytes) => frames.push(bytes);
}

await serving(await listen(open));
