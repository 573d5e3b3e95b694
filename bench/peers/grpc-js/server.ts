// The echo with grpc-js.
import { serving } from "../../server.ts";
import {
  type Call,
  type Chat,
  chatMethod,
  grpc,
  itemsMethod,
  OPTIONS,
  unaryMethod,
  write,
} from "./library.ts";

function unary({ request }: Call, answer: (error: null, response: object) => void): void {
  const { message, nanotime } = request.body;
  answer(null, { echo: { message, nanotime } });
}

/** As many items as the message says, of as many bytes as nanotime says. */
async function items(call: Call): Promise<void> {
  const { body } = call.request;
  const message = "x".repeat(body.nanotime);
  for (let sequence = 0; sequence < Number(body.message); sequence++) {
    await write(call, { stream: { message, sequence } });
  }
  call.end();
}

async function chat(call: Chat): Promise<void> {
  for await (const { body } of call) await write(call, { echo: body });
  call.end();
}

const server = new grpc.Server(OPTIONS);
const methods = { unary: unaryMethod, items: itemsMethod, chat: chatMethod };
server.addService(methods, { unary, items, chat });
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  void serving(port);
});
