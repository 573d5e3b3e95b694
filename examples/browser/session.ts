// A connection to the server, made again when it is lost.
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

/** Milliseconds from a loss to the next try. */
const PAUSE = 1000;

/** What an error says, and what caused it. */
export function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error ? `${message}: ${sentence(cause)}` : message;
}

/** Hears of a connection. */
export interface SessionEvents {
  opened(client: EchoClient): void;
  /** It ended, or there was none to be had, and why. It is tried again. */
  lost(why: string): void;
}

/** Keeps one connection to a server, for as long as the page is there. */
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
