import { TransportError } from "../errors.ts";

/** What the ends of a port post to each other. Bytes are posted as a bare `ArrayBuffer`. */
export type Frame =
  /**
   * The first of each end, so that nothing is sent to one that does not listen yet.
   * `window` is what it may be sent at first; `heard` answers the other's hello.
   */
  | { readonly kind: "hello"; readonly window: number; readonly heard: boolean }
  /** As many bytes more may be sent. */
  | { readonly kind: "grant"; readonly bytes: number }
  /** No more bytes will come. */
  | { readonly kind: "end" }
  /** No more bytes are read. */
  | { readonly kind: "stop" }
  /** Both directions are broken off, and why. */
  | { readonly kind: "abort"; readonly message: string };

/** The longest reason that goes to the other end, in characters. */
const MAX_REASON = 1000;

/** The largest window that an end may have: 1 GiB. */
export const MAX_WINDOW: number = 2 ** 30;

/** Reads a message of the other end; `undefined` if it is none of ours. */
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

/** Says that the other end does not keep to the rules. */
export function violation(what: string): TransportError {
  return new TransportError("other", `The other end of the port broke the protocol: ${what}`);
}

/** The reason of an abort in words that can be posted; a clone of it might lose them. */
export function toReason(reason: unknown): string {
  try {
    return reason === undefined ? "" : String(reason).slice(0, MAX_REASON);
  } catch {
    return "";
  }
}
