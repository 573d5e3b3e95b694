// Quotes at a pace that people can follow. A stream may be long, so that it can be cancelled.
import type { Listener, Server } from "@protosocket/protosocket";
import { implement, serveServices } from "@protosocket/protosocket/services";
import { price, Prices } from "../services/service.ts";

/** How long a quote of a stream takes, in milliseconds. */
const PACE = 40;

const paced = implement(Prices, {
  getQuote: ({ symbol }) => ({ symbol, price: price(symbol) }),

  /** Logs when the stream is left. */
  async *watchQuotes({ symbol, count }) {
    let sequence = 0;
    try {
      for (; sequence < count; sequence++) {
        yield { symbol, sequence, price: price(symbol, sequence) };
        await new Promise((resolve) => setTimeout(resolve, PACE));
      }
    } finally {
      if (sequence < count) console.log(`a stream of ${symbol} was left`);
    }
  },
});

/** Serves the quotes on each connection that the listener accepts. */
export function serveQuotes(listener: Listener): Server {
  return serveServices(listener, { services: [paced] });
}
