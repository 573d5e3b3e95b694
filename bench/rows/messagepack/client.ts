// The client of the MessagePack echo over this library.
import { clientCodec, echoMessages, request } from "../../../examples/messagepack/echo.ts";
import { unaryClient } from "../unary.ts";

await unaryClient({
  codec: clientCodec,
  messages: echoMessages,
  request: (message, nanotime) => request({ message, nanotime }),
  isEcho: ({ kind }, message, nanotime) =>
    kind?.case === "Echo" && kind.value.message === message && kind.value.nanotime === nanotime,
});
