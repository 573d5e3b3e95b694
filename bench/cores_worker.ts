// The echo server of bench/cores.ts, on one core.
import type { ServeCore } from "@protosocket/protosocket/cores";
import { refused, type RpcAnswer, serveRpc } from "@protosocket/protosocket/rpc";
import { echoMessages, serverCodec } from "../examples/proto/echo.ts";
import type { Response } from "../examples/proto/gen/echo.ts";
import { sockets } from "../examples/support/sockets.ts";

/** `work` is how many milliseconds each rpc keeps the core busy, besides being echoed. */
export const serveCore: ServeCore<{ work: number }> = async (options, { work }) => {
  const { listen } = await sockets();
  return serveRpc(await listen(options), {
    codec: serverCodec,
    messages: echoMessages,
    service: () => ({ body }): RpcAnswer<Response> => {
      if (!body) return refused;
      for (const end = performance.now() + work; performance.now() < end;);
      return { requestId: 0n, code: 0, kind: { $case: "echo", value: body } };
    },
  });
};
