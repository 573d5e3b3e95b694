// The echo server of bench/cores.ts, on one core.
import { create } from "@bufbuild/protobuf";
import type { ServeCore } from "@protosocket/protosocket/cores";
import { protobufEs } from "@protosocket/protosocket/protobuf-es";
import { refused, serveRpc } from "@protosocket/protosocket/rpc";
import { echoMessages } from "../examples/proto/echo.ts";
import { RequestSchema, ResponseSchema } from "../examples/proto/gen/echo_pb.ts";
import { sockets } from "../examples/support/sockets.ts";

/** `work` is how many milliseconds each rpc keeps the core busy, besides being echoed. */
export const serveCore: ServeCore<{ work: number }> = async (options, { work }) => {
  const { listen } = await sockets();
  return serveRpc(await listen(options), {
    codec: () => protobufEs(RequestSchema, ResponseSchema),
    messages: echoMessages,
    service: () => ({ body }) => {
      if (!body) return refused;
      for (const end = performance.now() + work; performance.now() < end;);
      return create(ResponseSchema, { kind: { case: "echo", value: { message: body.message } } });
    },
  });
};
