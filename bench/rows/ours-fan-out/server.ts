// Sends what any connection asks it to publish to all connections, over this library.
import process from "node:process";
import { type Sender, serve } from "@protosocket/protosocket";
import type { Response } from "../../../examples/proto/gen/echo.ts";
import { serving } from "../../server.ts";
import { listen } from "../ours/by_streams.ts";
import { type Encoded, encoded, sharing } from "./encoded.ts";

const once = process.argv.includes("--once");
const senders = new Set<Sender<Response | Encoded>>();

function response(message: string, nanotime: bigint): Response {
  const value = { message, nanotime, sequence: 0n };
  return { requestId: 0n, code: 0, kind: { $case: "stream", value } };
}

const { listener, port } = await listen();
serve(listener, () => ({
  codec: sharing(),
  reactor(sender) {
    senders.add(sender);
    sender.trySend(response("", 0n));
    return {
      onInboundMessage({ body }) {
        const message = response(body!.message, body!.nanotime);
        const sent = once ? encoded(message) : message;
        for (const sender of senders) sender.trySend(sent);
      },
      onClose: () => senders.delete(sender),
    };
  },
}), { maxConnections: 20_000, maxConnectionsPerAddress: 20_000 });
await serving(port);
