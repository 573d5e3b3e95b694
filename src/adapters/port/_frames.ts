import { TransportError } from "../../errors.ts";

/** The frames that ports exchange. Bytes are posted as a bare `ArrayBuffer`. */
export type Frame =
  /**
   * Each end's first frame, so that nothing is sent to an end that is not listening yet.
   * `window` is its initial credit; `heard` acknowledges the peer's hello.
   */
  | { readonly kind: "hello"; readonly window: number; readonly heard: boolean }
  /** The peer may send this many bytes more. */
  | { readonly kind: "grant"; readonly bytes: number }
  /** No more bytes will come. */
  | { readonly kind: "end" }
  /** No more bytes will be read. */
  | { readonly kind: "stop" }
  /** Both directions are aborted, with the reason. */
  | { readonly kind: "abort"; readonly message: string };

/** The longest reason that is sent to the peer, in characters. */
const MAX_REASON = 1000;

/** The largest window that an end may have: 1 GiB. */
export const MAX_WINDOW: number = 2 ** 30;

/** Parses a message from the peer; returns `undefined` if it is not a frame. */
export function toFrame(data: unknown): Frame | ArrayBuffer | undefined {
  if (data instanceof ArrayBuffer) return data.byteLength > 0 ? data : undefined;
  if (typeof data !== "object" || data === null) return undefined;
  const frame = data as Partial<Record<"window" | "heard" | "bytes" | "message", unknown>> & Frame;
  switch (frame.kind) {
    case "hello":
      return isLength(frame.window) && typeof frame.heard === "boolean" ? frame : undefined;
    case "grant":
      return isLength(frame.bytes) ? frame : undefined;
    case "abort":
      return typeof frame.message === "string" ? frame : undefined;
    case "end":
    case "stop":
      return frame;
    default:
      return undefined;
  }
}

function isLength(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_WINDOW;
}

/** Makes the error for a peer that broke the protocol. */
export function violation(what: string): TransportError {
  return new TransportError("other", `The other end of the port broke the protocol: ${what}`);
}

/** The reason of an abort as a string: not every reason can be cloned. */
export function toReason(reason: unknown): string {
  try {
    return reason === undefined ? "" : String(reason).slice(0, MAX_REASON);
  } catch {
    return "";
  }
}
