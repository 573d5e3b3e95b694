// What answers the calls of prices.proto.
import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { type ServiceOf, serviceOf } from "@protosocket/protosocket/services-protobuf-es";
import { implement, type Implementation, ServiceError } from "@protosocket/protosocket/services";
import { MissingSchema, Prices as Generated } from "./gen/prices_pb.ts";

/** The service, as clients and servers take it. */
export const Prices: ServiceOf<typeof Generated> = serviceOf(Generated);

/** What the symbols cost in the beginning. */
const PRICES: Readonly<Record<string, number>> = { ACME: 100, BOND: 42.5 };

/** Costs a little more each time that it is asked for. */
export function price(symbol: string, sequence = 0): number {
  const first = PRICES[symbol];
  if (first !== undefined) return first + sequence / 4;
  const missing = anyPack(MissingSchema, create(MissingSchema, { symbol }));
  throw new ServiceError("not-found", `There is no ${symbol}`, { details: [missing] });
}

/** The handlers, for any number of servers. */
export const prices: Implementation = implement(Prices, {
  getQuote: ({ symbol }) => ({ symbol, price: price(symbol) }),

  *watchQuotes({ symbol, count }) {
    for (let sequence = 0; sequence < count; sequence++) {
      yield { symbol, sequence, price: price(symbol, sequence) };
    }
  },

  async placeOrders(orders) {
    const receipt = { orders: 0, total: 0 };
    for await (const { symbol, amount } of orders) {
      receipt.orders++;
      receipt.total += amount * price(symbol);
    }
    return receipt;
  },

  async *trade(orders) {
    for await (const order of orders) yield { order, price: price(order.symbol) };
  },
});
