// The client of the fan-out over this library.
import { Connection } from "@protosocket/protosocket";
import { clientCodec } from "../../../examples/proto/echo.ts";
import { ResponseBehavior } from "../../../examples/proto/gen/echo.ts";
import { client } from "../../client.ts";
import { connect } from "../ours/by_streams.ts";

type Heard = (number: number, length: number) => void;

await client(async (port) => {
  let heard: Heard | undefined;
  let early = false;
  const connection = new Connection(await connect(port), {
    codec: clientCodec(),
    reactor: () => ({
      onInboundMessage({ kind }) {
        if (kind?.$case !== "stream") throw new Error("It is not what was published");
        const { nanotime, message } = kind.value;
        // Whoever has just connected may not have subscribed yet.
        heard ? heard(Number(nanotime), message.length) : early = true;
      },
    }),
  });
  return {
    echo: (_text, _number, done) => done(new Error("It does not echo")),
    subscribe(hears) {
      heard = hears;
      if (early) heard(0, 0);
    },
    publish(message, number) {
      connection.sender.trySend({
        requestId: 0n,
        code: 0,
        body: { message, nanotime: BigInt(number) },
        responseBehavior: ResponseBehavior.UNARY,
      });
    },
    close: () => connection.close(),
  };
});
