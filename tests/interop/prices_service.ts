// The example's service with the symbols of the Rust program in this folder, which make it
// misbehave on purpose.
import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import {
  implement,
  type Implementation,
  type ServerContext,
  ServiceError,
} from "@protosocket/protosocket/services";
import { MissingSchema } from "../../examples/services/gen/prices_pb.ts";
import { Prices } from "../../examples/services/service.ts";

/** Hears the symbol of each call whose signal has fired, and with which code. */
export type OnAborted = (symbol: string, code: string) => void;

export function pricesService(onAborted: OnAborted): Implementation {
  const never = (symbol: string, { signal }: ServerContext) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => {
        onAborted(symbol, (signal.reason as ServiceError).code);
        reject(signal.reason);
      });
    });

  return implement(Prices, {
    getQuote({ symbol }, context) {
      const quote = { symbol, price: 100 };
      switch (symbol) {
        case "MISSING":
          throw missing(symbol);
        case "BUSY":
          throw new ServiceError("unavailable", "too busy");
        case "CRASH":
          throw new Error("a secret");
        case "NEVER":
          return never(symbol, context);
        case "SECRET":
          if (context.metadata.get("authorization") === "Bearer open sesame") return quote;
          throw new ServiceError("unauthenticated", "who is there?");
        case "TIME-LEFT":
          return { symbol, price: context.deadline! - performance.now() };
        case "ECHO":
          echo(context);
      }
      return quote;
    },

    async *watchQuotes({ symbol, count }, context) {
      if (symbol === "ECHO") echo(context);
      if (symbol === "NEVER-QUOTED") await never(symbol, context);
      const most = symbol === "NEVER" ? Infinity : symbol === "MISSING" ? 2 : count;
      try {
        for (let sequence = 0; sequence < most; sequence++) {
          yield { symbol, sequence, price: 100 + sequence };
        }
      } finally {
        if (symbol === "NEVER") onAborted(symbol, "left");
      }
      if (symbol === "MISSING") throw missing(symbol);
    },

    placeOrders: () => ({}),
  });
}

function missing(symbol: string): ServiceError {
  const detail = anyPack(MissingSchema, create(MissingSchema, { symbol }));
  return new ServiceError("not-found", `no such symbol: ${symbol}`, { details: [detail] });
}

/** Answers with the metadata of the request, before and after. */
function echo({ metadata, responseMetadata, trailers }: ServerContext): void {
  for (const [key, value] of metadata) {
    responseMetadata.append(key, value);
    trailers.append(key, value);
  }
}
