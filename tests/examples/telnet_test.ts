import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { Program } from "../support/program.ts";
import { soon } from "../support/within.ts";

/** All that the server sends until it ends. */
async function all(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("utf8").on("data", (more: string) => text += more);
  await soon(once(socket, "end"), "the server's end");
  return text;
}

test("example telnet: each character is answered, white space is not", async () => {
  await using server = new Program("examples/telnet/server.ts", ["127.0.0.1:0"]);
  const { port } = await server.listening();
  const socket = connect({ port, allowHalfOpen: true });
  const answers = all(socket);
  socket.end("1 a\t\r\nb\n");
  // The digit is answered a second after.
  assertEquals(
    await answers,
    "a DECODED RAN ENCODED\nb DECODED RAN ENCODED\n1 DECODED RAN ENCODED\n",
  );
});

test("example telnet: more characters than may be in progress are all answered", async () => {
  await using server = new Program("examples/telnet/server.ts", ["127.0.0.1:0"]);
  const { port } = await server.listening();
  const socket = connect({ port, allowHalfOpen: true });
  const answers = all(socket);
  socket.end("x".repeat(1000));
  assertEquals(await answers, "x DECODED RAN ENCODED\n".repeat(1000));
});

test("example telnet: a byte that is not ASCII ends its connection only", async () => {
  await using server = new Program("examples/telnet/server.ts", ["127.0.0.1:0"]);
  const { port } = await server.listening();
  const bad = connect({ port });
  const closed = new Promise((resolve) => bad.on("error", () => {}).on("close", resolve));
  bad.resume().write("é");
  await soon(closed, "the end of the connection");
  const good = connect({ port, allowHalfOpen: true });
  const answers = all(good);
  good.end("e");
  assertEquals(await answers, "e DECODED RAN ENCODED\n");
});
