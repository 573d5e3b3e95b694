// The echo with grpc-js.
import { serving } from "../../server.ts";
import { type Call, grpc, itemsMethod, OPTIONS, unaryMethod } from "./library.ts";

function unary({ request }: Call, answer: (error: null, response: object) => void): void {
  const { message, nanotime } = request.body;
  answer(null, { echo: { message, nanotime } });
}

/** As many items as the message says, of as many bytes as nanotime says. */
async function items(call: Call): Promise<void> {
  const { body } = call.request;
  const message = "x".repeat(body.nanotime);
  for (let sequence = 0; sequence < Number(body.message); sequence++) {
    if (call.write({ stream: { message, sequence } })) continue;
    await new Promise<void>((resolve) => call.once("drain", resolve));
  }
  call.end();
}

const server = new grpc.Server(OPTIONS);
server.addService({ unary: unaryMethod, items: itemsMethod }, { unary, items });
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  void serving(port);
});
