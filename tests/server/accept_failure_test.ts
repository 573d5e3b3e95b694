// A listener over node:net whose system fails to accept once.
import * as net from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { AcceptQueue } from "../../src/adapters/base/_accept_queue.ts";
import { dial, TcpDuplex, toListener } from "../../src/adapters/sockets/_net.ts";
import { soon } from "../support/within.ts";

test("a listener outlives an accept that failed", async () => {
  const accepted = new AcceptQueue();
  const server = net.createServer((socket) => accepted.push(new TcpDuplex(socket)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  const address = { transport: "tcp", hostname: "127.0.0.1", port } as const;
  const listener = toListener(server, address, accepted);
  const next = listener[Symbol.asyncIterator]().next();
  server.emit("error", Object.assign(new Error("accept ENOBUFS"), { code: "ENOBUFS" }));
  const socket = await dial({ kind: "tcp", hostname: "127.0.0.1", port }, { port });
  const { done, value } = await soon(next, "a connection");
  assertEquals(done, false);
  await value!.writable.abort();
  socket.destroy();
  await listener.close();
});
