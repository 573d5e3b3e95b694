// The echo as JSON over WebSockets, with `ws`.
import { type AddressInfo, WebSocketServer } from "ws";
import { serving } from "../../server.ts";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("message", (data) => {
    const { id, message, nanotime } = JSON.parse(String(data));
    socket.send(JSON.stringify({ id, message, nanotime }));
  });
});
server.on("listening", () => serving((server.address() as AddressInfo).port));
