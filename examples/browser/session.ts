// A connection to the server that is reopened when it is lost.
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { RpcClient } from "@protosocket/protosocket/rpc";
import { connect } from "@protosocket/protosocket/websocket";
import { echoMessages } from "../support/echo_es.ts";
import {
  type Request,
  RequestSchema,
  type Response,
  ResponseSchema,
} from "../proto/gen/echo_pb.ts";

export type EchoClient = RpcClient<Request, Response>;

/** Milliseconds from a loss to the next attempt. */
const PAUSE = 1000;

/** An error's message, with that of its cause. */
export function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error ? `${message}: ${sentence(cause)}` : message;
}

/** Called when the connection's state changes. */
export interface SessionEvents {
  opened(client: EchoClient): void;
  /** It ended, or could not be opened, with the reason. Another attempt follows. */
  lost(why: string): void;
}

/** Keeps a connection to a server for as long as the page is open. */
export async function keepConnected(url: string, { opened, lost }: SessionEvents): Promise<never> {
  for (;;) {
    try {
      const client = new RpcClient(await connect(url), {
        codec: protobufEs(ResponseSchema, RequestSchema),
        messages: echoMessages,
      });
      opened(client);
      const reason = await client.closed;
      lost(reason.kind === "error" ? sentence(reason.error) : "The server closed the connection");
    } catch (error) {
      lost(sentence(error));
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
