import { createClient, serviceClient } from "@protosocket/protosocket/services";
import { defineService, implement, serveServices } from "@protosocket/protosocket/services";
import { connect, listen } from "@protosocket/protosocket/sockets";
import { z } from "zod"; // or valibot and others; or a .proto, see below

const order = z.object({ symbol: z.string(), amount: z.number() });
const quote = z.object({ symbol: z.string(), price: z.number() });
const Prices = defineService("prices.v1.Prices", {
  getQuote: { request: z.object({ symbol: z.string() }), response: quote },
  watch: { kind: "server_streaming", request: z.object({ symbol: z.string() }), response: quote },
  trade: { kind: "bidi_streaming", request: order, response: quote },
});

const prices = implement(Prices, {
  getQuote: ({ symbol }) => ({ symbol, price: 100 }),
  watch: ({ symbol }) => [100, 101].map((price) => ({ symbol, price })), // or a generator
  async *trade(orders) {
    for await (const { symbol, amount } of orders) yield { symbol, price: 100 * amount };
  },
});
await using _server = serveServices(await listen({ port: 9002 }), { services: [prices] });

await using connection = serviceClient(await connect({ port: 9002 }));
const client = createClient(Prices, connection);
console.log(await client.getQuote({ symbol: "ACME" }, { timeout: 1000 })); // price: 100
for await (const { price } of client.watch({ symbol: "ACME" })) console.log(price); // 100, 101
const orders = [{ symbol: "ACME", amount: 1 }, { symbol: "BOND", amount: 2 }];
for await (const { symbol, price } of client.trade(orders)) console.log(symbol, price);
