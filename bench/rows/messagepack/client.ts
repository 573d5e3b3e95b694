// The client of the MessagePack echo over this library.
import { RpcClient } from "@protosocket/protosocket/rpc";
import { clientCodec, echoMessages, request } from "../../../examples/messagepack/echo.ts";
import { sockets } from "../../../examples/support/sockets.ts";
import { client } from "../../client.ts";

const { connect } = await sockets();

await client(async (port) => {
  const rpc = new RpcClient(await connect({ port }), {
    codec: clientCodec(),
    messages: echoMessages,
  });
  return {
    echo(message, nanotime, done) {
      rpc.unary(request({ message, nanotime })).then(({ kind }) => {
        const same = kind?.case === "Echo" && kind.value.message === message &&
          kind.value.nanotime === nanotime;
        done(same ? undefined : `${nanotime} is not its echo`);
      }, done);
    },
    close: () => rpc.close(),
  };
});
