// A chat room: a reactor without RPCs, and lines of text that people can type.
//
//   deno run -A examples/chat/server.ts 127.0.0.1:9000
//   bun examples/chat/server.ts 127.0.0.1:9000
//   npx tsx examples/chat/server.ts 127.0.0.1:9000
//
// Join with client.ts in this folder, or with `nc 127.0.0.1 9000`: the first line is a name,
// and each further line is sent to everybody. A member that reads too slowly misses lines,
// and is told how many; the others do not wait.
import process from "node:process";
import { type Reactor, type Sender, serve } from "@protosocket/protosocket";
import { lines } from "@protosocket/protosocket/lines";
import { listen } from "@protosocket/protosocket/sockets";
import { formatAddress, parseAddress } from "../support/sockets.ts";
import { type Member, Room } from "./room.ts";

const room = new Room();

/** The reactor of one connection. */
function reactor(sender: Sender<string>): Reactor<string> {
  let member: Member | undefined;
  const leave = () => {
    if (member) room.leave(member);
  };
  return {
    onInboundMessage(line) {
      if (member) return room.say(`${member.name}: ${line}`);
      member = room.join(line.trim(), sender);
      if (!member) return sender.send("* that name is taken: another?");
    },
    onInboundEnd: leave,
    onClose: leave,
  };
}

const listener = await listen(parseAddress(process.argv[2] ?? "127.0.0.1:9000"));
const server = serve(listener, () => ({
  codec: lines(),
  reactor,
  maxBufferLength: 1000,
  maxQueuedMessages: 100,
}));
console.log(`listening ${formatAddress(listener.address)}`);
await server.finished;
