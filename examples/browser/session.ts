// A connection to the server that is reopened when it is lost.
import { type Client, createClient, serviceClient } from "@protosocket/protosocket/services";
import { type ServiceOf, serviceOf } from "@protosocket/protosocket/services-protobuf-es";
import { connect } from "@protosocket/protosocket/websocket";
import { Prices as Generated } from "../services/gen/prices_pb.ts";

// Not that of ../services/service.ts, whose handlers the page has no use for.
const Prices: ServiceOf<typeof Generated> = serviceOf(Generated);

/** A typed client of the service. */
export type PricesClient = Client<typeof Prices>;

/** Milliseconds from a loss to the next attempt. */
const PAUSE = 1000;

/** What an error says. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Called when the connection's state changes. */
export interface SessionEvents {
  /** There is a connection; the signal fires when it takes no more calls. */
  opened(prices: PricesClient, goingAway: AbortSignal): void;
  /** It ended, or could not be opened, with the reason. Another attempt follows. */
  lost(why: string): void;
}

/** Keeps a connection to a server for as long as the page is open. */
export async function keepConnected(url: string, { opened, lost }: SessionEvents): Promise<never> {
  for (;;) {
    try {
      const connection = serviceClient(await connect(url));
      opened(createClient(Prices, connection), connection.goingAway);
      const reason = await connection.closed;
      lost(reason.kind === "error" ? sentence(reason.error) : "The server closed the connection");
    } catch (error) {
      lost(sentence(error));
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
