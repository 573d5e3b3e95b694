// The fan-out with grpc-js: each connection has a stream of what is published.
import { serving } from "../../../server.ts";
import { grpc, itemsMethod, OPTIONS, type Subscription, unaryMethod } from "../library.ts";

const subscriptions = new Set<Subscription>();

function unary({ request }: Subscription, answer: (error: null, response: object) => void): void {
  const { message, nanotime } = request.body;
  for (const subscription of subscriptions) subscription.write({ stream: { message, nanotime } });
  answer(null, { echo: { message, nanotime } });
}

function items(call: Subscription): void {
  subscriptions.add(call);
  call.on("cancelled", () => {
    subscriptions.delete(call);
    call.end();
  });
  call.write({ stream: { message: "", nanotime: 0 } });
}

const server = new grpc.Server(OPTIONS);
server.addService({ unary: unaryMethod, items: itemsMethod }, { unary, items });
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  void serving(port);
});
