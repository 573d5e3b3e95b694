import type { EncodeBuffer } from "../../mod.ts";

/** How many requests and responses a call of a method has: one, or a stream, each way. */
export type MethodKind = "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";

/**
 * Encodes and decodes one type of message, without any framing. `Given` is what a program passes
 * in, `Received` what it gets at the other end: they differ if a schema fills in or converts.
 */
export interface Body<in out Given, out Received> {
  /** Appends the message. Throws if it cannot be encoded. */
  encode(message: Given, out: EncodeBuffer): void;
  /** Decodes all of `bytes` from `start` to `end`. Throws if that is no such message. */
  decode(bytes: Uint8Array, start: number, end: number): Received;
  /** Throws if the other end would not take that message. A server checks its responses. */
  check?(message: Given): void;
  /**
   * How a message gets to the other end if it is not encoded on the way, as by `inMemory` without
   * `codec`. Without this, it is encoded there, too.
   */
  readonly direct?: DirectBody<Given, Received>;
}

/** How messages get to the other end of the same program as they are. */
export interface DirectBody<in Given, out Received> {
  /** What is given away at one end. Throws if it is no such message. */
  give(message: Given): unknown;
  /** What the other end makes of that. Throws if it does not take it. */
  take(given: unknown): Received;
}

/** How payloads are encoded: what `encoding` is on the wire. */
export const Encoding: { readonly protobuf: 0; readonly json: 1; readonly messagePack: 2 } = {
  protobuf: 0,
  json: 1,
  messagePack: 2,
};

/** What is known of a method of a service, with the types of its messages. */
export interface MethodDefinition<
  Kind extends MethodKind = MethodKind,
  // deno-lint-ignore no-explicit-any
  Request = any,
  // deno-lint-ignore no-explicit-any
  RequestReceived = any,
  // deno-lint-ignore no-explicit-any
  Response = any,
  // deno-lint-ignore no-explicit-any
  ResponseReceived = any,
> {
  /** How many requests and responses a call has. */
  readonly kind: Kind;
  /** Its name on the wire: `package.Service/Method`. */
  readonly path: string;
  /** Whether a call may safely be made more than once, so that a pool may retry it. */
  readonly idempotent: boolean;
  /** How payloads are encoded, one of {@linkcode Encoding}. */
  readonly encoding: number;
  /** What a client sends. */
  readonly request: Body<Request, RequestReceived>;
  /** What a server sends. */
  readonly response: Body<Response, ResponseReceived>;
}

/** A service: its methods by the names that a program calls them by. */
export interface ServiceDefinition<
  Methods extends { readonly [name: string]: MethodDefinition } = {
    readonly [name: string]: MethodDefinition;
  },
> {
  /** Its full name: `package.Service`. */
  readonly name: string;
  /** Its methods. */
  readonly methods: Methods;
}
