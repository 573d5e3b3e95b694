import { EncodeBuffer } from "../../../mod.ts";
import type { Body } from "../definition.ts";

/** The bytes of one message. */
export function encoded(
  body: Pick<Body<unknown, unknown>, "encode">,
  message: unknown,
): Uint8Array {
  const out = new EncodeBuffer();
  body.encode(message, out);
  const bytes = new Uint8Array(out.length);
  for (let at = 0; out.length > 0;) {
    const part = out.take();
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
