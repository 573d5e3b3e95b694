// The echo with capnweb over WebSockets.
import { type AddressInfo, WebSocketServer } from "ws";
import { serving } from "../../server.ts";
import { capnweb, type Echo } from "./library.ts";

class Service extends capnweb.RpcTarget {
  echo({ message, nanotime }: Echo): Echo {
    return { message, nanotime };
  }
}

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket) => {
  capnweb.newWebSocketRpcSession(socket, new Service());
});
server.on("listening", () => serving((server.address() as AddressInfo).port));
