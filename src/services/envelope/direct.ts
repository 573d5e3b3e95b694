import type { Codec, Decoder, DecodeResult, EncodeBuffer, Encoder } from "../../../mod.ts";
import { Fifo } from "../../waits/fifo.ts";
import type { Body } from "../definition.ts";
import { encoded } from "./encoded.ts";
import type { GivenValue, ServiceRequest, ServiceResponse } from "./messages.ts";

/** Numbers of values are from 1 to this, and then from 1 again. */
const MAX_NUMBER = 2 ** 32 - 1;
/** How many bytes a number takes: 0 for a message that is all encoded. */
const WIDTH = 4;

type AnyBody = Body<unknown, unknown>;

/** A value that one end has given away. */
class Given implements GivenValue {
  readonly body: AnyBody;
  readonly #value: unknown;

  constructor(body: AnyBody, value: unknown) {
    this.body = body;
    this.#value = value;
  }

  as(body: AnyBody): unknown {
    if (body === this.body) return body.direct!.take(this.#value);
    // The two ends have other definitions of the method: only its encoding is what they share.
    const bytes = encoded(this.body, this.#value);
    return body.decode(bytes, 0, bytes.length);
  }
}

/** The values on their way from one end to the other. */
export class Lane {
  readonly #values = new Fifo<Given>();
  /** The number of the first of them, and of the next one. */
  #first = 1;
  #next = 1;

  /** Adds a value and returns its number. */
  put(given: Given): number {
    const number = this.#next;
    this.#next = number % MAX_NUMBER + 1;
    this.#values.push(given);
    return number;
  }

  /** Takes the value of that number. Those before it were encoded, but never sent. */
  take(number: number): Given {
    while (this.#values.length > 0) {
      const given = this.#values.shift();
      const isIt = this.#first === number;
      this.#first = this.#first % MAX_NUMBER + 1;
      if (isIt) return given;
    }
    throw new RangeError(`no value has the number ${number}`);
  }
}

/**
 * The same codec for two ends in one program: payloads go by a lane beside it, if they can. All
 * else is encoded, so that it means the same.
 */
export function direct<
  Inbound extends ServiceRequest | ServiceResponse,
  Outbound extends ServiceRequest | ServiceResponse,
>(
  { encoder, decoder }: Codec<Inbound, Outbound>,
  inbound: Lane,
  outbound: Lane,
): Codec<Inbound, Outbound> {
  return {
    encoder: new DirectEncoder(encoder, outbound),
    decoder: new DirectDecoder(decoder, inbound),
  };
}

class DirectEncoder<Message extends ServiceRequest | ServiceResponse> implements Encoder<Message> {
  readonly #encoder: Encoder<Message>;
  readonly #lane: Lane;

  constructor(encoder: Encoder<Message>, lane: Lane) {
    this.#encoder = encoder;
    this.#lane = lane;
  }

  encode(message: Message, out: EncodeBuffer): void {
    const { body } = message;
    if (body?.direct === undefined) {
      this.#encoder.encode(message, out);
      return this.#number(0, out);
    }
    const value = body.direct.give(message.value);
    message.body = undefined;
    try {
      this.#encoder.encode(message, out);
    } finally {
      // It may be sent again, as by a pool.
      message.body = body;
    }
    this.#number(this.#lane.put(new Given(body, value)), out);
  }

  #number(number: number, out: EncodeBuffer): void {
    const at = out.reserve(WIDTH);
    for (let i = 0; i < WIDTH; i++) out.bytes[at + i] = number >>> 8 * i;
    out.offset = at + WIDTH;
  }
}

class DirectDecoder<Message extends ServiceRequest | ServiceResponse> implements Decoder<Message> {
  readonly #decoder: Decoder<Message>;
  readonly #lane: Lane;

  constructor(decoder: Decoder<Message>, lane: Lane) {
    this.#decoder = decoder;
    this.#lane = lane;
  }

  decode(bytes: Uint8Array, offset: number): DecodeResult<Message> {
    const result = this.#decoder.decode(bytes, offset);
    if (result.kind !== "message") return result;
    const bytesUsed = result.bytesUsed + WIDTH;
    if (offset + bytesUsed > bytes.length) return { kind: "incomplete", bytesNeeded: bytesUsed };
    const { message } = result;
    let number = 0;
    for (let i = 1; i <= WIDTH; i++) number = number * 256 + bytes[offset + bytesUsed - i]!;
    if (number > 0) {
      const given = this.#lane.take(number);
      message.body = given.body;
      message.value = given;
    }
    return { kind: "message", message, bytesUsed };
  }
}
