// Answers an HTTP request with an RPC over TCP to the server of examples/proto, or to the
// echo server of the Rust crates.
import { create } from "@bufbuild/protobuf";
import { connect } from "@protosocket/protosocket/cloudflare";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { RpcClient } from "@protosocket/protosocket/rpc";
import { echoMessages } from "../support/echo_es.ts";
import {
  EchoRequestSchema,
  type Request,
  RequestSchema,
  type Response,
  ResponseSchema,
} from "../proto/gen/echo_pb.ts";

/** Lets work continue after the response. */
export interface Context {
  waitUntil(work: Promise<unknown>): void;
}

/** Milliseconds within which the server must accept the connection, and then respond. */
const PATIENCE = 10_000;

/** Has the server echo a text. */
export async function ask(
  server: { readonly hostname: string; readonly port: number },
  message: string,
  context: Context,
): Promise<globalThis.Response> {
  let client: RpcClient<Request, Response>;
  try {
    client = new RpcClient(await connect({ ...server, connectTimeout: PATIENCE }), {
      codec: protobufEs(ResponseSchema, RequestSchema),
      messages: echoMessages,
    });
  } catch (error) {
    return new globalThis.Response(`${(error as Error).message}\n`, { status: 502 });
  }
  try {
    const body = create(EchoRequestSchema, { message });
    const { kind } = await client.unary(create(RequestSchema, { body }), { timeout: PATIENCE });
    return new globalThis.Response(kind.value?.message);
  } catch (error) {
    return new globalThis.Response(`${(error as Error).message}\n`, { status: 502 });
  } finally {
    // The socket belongs to this request: let it close in order after the response.
    context.waitUntil(client.close());
  }
}
