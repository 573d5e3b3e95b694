// The fan-out as JSON over WebSockets, with `ws`: a message is encoded once.
import { type AddressInfo, WebSocketServer } from "ws";
import { serving } from "../../server.ts";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.send(JSON.stringify({ message: "", nanotime: 0 }));
  socket.on("message", (data) => {
    const { message, nanotime } = JSON.parse(String(data));
    const text = JSON.stringify({ message, nanotime });
    for (const client of server.clients) client.send(text);
  });
});
server.on("listening", () => serving((server.address() as AddressInfo).port));
