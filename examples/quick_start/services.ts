import { implement, serveServices } from "@protosocket/protosocket/services";
import { createClient, serviceClient } from "@protosocket/protosocket/services";
import { serviceOf } from "@protosocket/protosocket/services-protobuf-es";
import { connect, listen } from "@protosocket/protosocket/sockets";
import { Prices as Generated } from "../services/gen/prices_pb.ts"; // by protoc-gen-es

const Prices = serviceOf(Generated);
const prices = implement(Prices, {
  getQuote: ({ symbol }) => ({ symbol, price: 100 }),
  *watchQuotes({ symbol, count }) {
    for (let sequence = 0; sequence < count; sequence++) yield { symbol, sequence, price: 100 };
  },
  async *trade(orders) {
    for await (const order of orders) yield { order, price: 100 };
  },
});
await using _server = serveServices(await listen({ port: 9002 }), { services: [prices] });

await using connection = serviceClient(await connect({ port: 9002 }));
const client = createClient(Prices, connection);
const quote = await client.getQuote({ symbol: "ACME" }, { timeout: 1000 });
console.log(`${quote.symbol}: ${quote.price}`); // ACME: 100
const orders = [{ symbol: "ACME", amount: 1 }, { symbol: "BOND", amount: 2 }];
for await (const { order, price } of client.trade(orders)) console.log(order!.symbol, price);
