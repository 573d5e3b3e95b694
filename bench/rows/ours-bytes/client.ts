// The client of the echo of bytes over this library.
import { RpcClient } from "@protosocket/protosocket/rpc";
import { payloadOf, sameEnds } from "../../bytes.ts";
import { client } from "../../client.ts";
import { MAX_MESSAGE } from "../../limits.ts";
import { connect } from "../ours/by_streams.ts";
import { codec, messages, payload } from "./messages.ts";

await client(async (port) => {
  const config = { codec: codec(), messages, maxBufferLength: MAX_MESSAGE };
  const rpc = new RpcClient(await connect(port), config);
  return {
    echo(text, number, done) {
      const sent = payloadOf(text);
      rpc.unary(payload(sent)).then(
        ({ data }) => done(sameEnds(data, sent) ? undefined : `${number} is not its echo`),
        done,
      );
    },
    close: () => rpc.close(),
  };
});
