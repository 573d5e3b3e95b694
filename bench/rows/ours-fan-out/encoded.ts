// Encoding a message once, and sending its bytes on many connections.
import { type Codec, EncodeBuffer } from "@protosocket/protosocket";
import { serverCodec } from "../../../examples/proto/echo.ts";
import type { Request, Response } from "../../../examples/proto/gen/echo.ts";

/** A message that has been encoded, with its framing. */
export type Encoded = Uint8Array;

const { encoder } = serverCodec();

export function encoded(message: Response): Encoded {
  const out = new EncodeBuffer();
  encoder.encode(message, out);
  return out.take();
}

/** A codec that also sends what has been encoded before. */
export function sharing(): Codec<Request, Response | Encoded> {
  const { encoder, decoder } = serverCodec();
  return {
    decoder,
    encoder: {
      encode: (message, out) =>
        message instanceof Uint8Array ? out.lend(message) : encoder.encode(message, out),
    },
  };
}
