// What the load clients send, and what they expect back.
import type { Echo } from "../support/load_client.ts";
import { clientCodec, echoMessages } from "./echo.ts";
import { type Request, type Response, ResponseBehavior } from "./gen/echo.ts";

export const echo: Echo<Request, Response> = {
  codec: clientCodec,
  messages: echoMessages,
  request: (message, nanotime) => ({
    requestId: 0n,
    code: 0,
    body: { message, nanotime: BigInt(nanotime) },
    responseBehavior: ResponseBehavior.UNARY,
  }),
  isEcho: ({ kind }, message, nanotime) =>
    kind?.$case === "echo" && kind.value.message === message &&
    kind.value.nanotime === BigInt(nanotime),
};
