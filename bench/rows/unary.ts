// The client of rows that make unary calls only.
import { RpcClient } from "@protosocket/protosocket/rpc";
import type { Echo } from "../../examples/support/load_client.ts";
import { sockets } from "../../examples/support/sockets.ts";
import { client } from "../client.ts";

/** Runs a client of the bench over this library, with messages of any encoding. */
export async function unaryClient<Request, Response>(
  { codec, messages, request, isEcho }: Echo<Request, Response>,
): Promise<void> {
  const { connect } = await sockets();
  await client(async (port) => {
    const rpc = new RpcClient(await connect({ port }), { codec: codec(), messages });
    return {
      echo(text, number, done) {
        rpc.unary(request(text, number)).then(
          (response) =>
            done(isEcho(response, text, number) ? undefined : `${number} is not its echo`),
          done,
        );
      },
      close: () => rpc.close(),
    };
  });
}
