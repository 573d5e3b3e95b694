// The echo with connect-node over HTTP/2.
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { MAX_MESSAGE } from "../../limits.ts";
import { serving } from "../../server.ts";
import { Echo } from "./service.ts";

interface Request {
  readonly body: { readonly message: string; readonly nanotime: bigint };
}

interface Router {
  service(service: object, handlers: object): void;
}

interface Library {
  connectNodeAdapter(options: object): Parameters<typeof http2.createServer>[1];
}

// No literal: it is not there when types are checked.
const { connectNodeAdapter }: Library = await import("@connectrpc/connect-node" as string);

function unary({ body: { message, nanotime } }: Request): object {
  return { kind: { case: "echo", value: { message, nanotime } } };
}

/** As many items as the message says, of as many bytes as nanotime says. */
async function* items({ body }: Request): AsyncGenerator<object> {
  const message = "x".repeat(Number(body.nanotime));
  for (let sequence = 0n; sequence < BigInt(body.message); sequence++) {
    yield { kind: { case: "stream", value: { message, sequence } } };
  }
}

async function* chat(requests: AsyncIterable<Request>): AsyncGenerator<object> {
  for await (const request of requests) yield unary(request);
}

const server = http2.createServer(connectNodeAdapter({
  readMaxBytes: MAX_MESSAGE,
  routes: (router: Router) => router.service(Echo, { unary, items, chat }),
}));
server.listen(0, "127.0.0.1", () => void serving((server.address() as AddressInfo).port));
