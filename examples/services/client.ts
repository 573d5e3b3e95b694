// Calls each method of prices.proto:
//
//   deno run -A examples/services/client.ts 127.0.0.1:9000
//   bun examples/services/client.ts 127.0.0.1:9000
//   npx tsx examples/services/client.ts 127.0.0.1:9000
import process from "node:process";
import { fromBinary } from "@bufbuild/protobuf";
import { createClient, serviceClient, ServiceError } from "@protosocket/protosocket/services";
import { connect } from "@protosocket/protosocket/sockets";
import { parseAddress } from "../support/sockets.ts";
import { MissingSchema } from "./gen/prices_pb.ts";
import { Prices } from "./service.ts";

const address = parseAddress(process.argv[2] ?? "127.0.0.1:9000");
await using connection = serviceClient(await connect(address));
const prices = createClient(Prices, connection);

const quote = await prices.getQuote({ symbol: "ACME" }, { timeout: 5000 });
console.log(`${quote.symbol} costs ${quote.price}`);

for await (const { price, sequence } of prices.watchQuotes({ symbol: "BOND", count: 3 })) {
  console.log(`${sequence}: ${price}`);
}

const orders = [{ symbol: "ACME", amount: 2 }, { symbol: "BOND", amount: 4 }];
const receipt = await prices.placeOrders(orders);
console.log(`${receipt.orders} orders: ${receipt.total}`);

for await (const { order, price } of prices.trade(orders)) {
  console.log(`${order?.amount} ${order?.symbol} at ${price}`);
}

try {
  await prices.getQuote({ symbol: "NONE" });
} catch (error) {
  if (!(error instanceof ServiceError)) throw error;
  const [detail] = error.details;
  const { symbol } = fromBinary(MissingSchema, detail!.value);
  console.log(`${error.code}: ${error.message} (${symbol})`);
}
