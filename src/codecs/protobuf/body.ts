// Encodes and decodes messages of protobuf-es, without framing.
//
// Usual messages are encoded and decoded by our own code, several times as fast as the
// library. For anything else it throws, and the library handles the whole message, so only
// the library decides what is valid and what is refused.
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  protoInt64,
  toBinary,
} from "@bufbuild/protobuf";
import { isMistake, isObject, shown, wrong } from "../../check.ts";
import type { EncodeBuffer } from "../../streams/encode_buffer.ts";
import { TooManyObjects } from "../object_budget.ts";
import { countObjects } from "./_count.ts";
import type { Fields } from "./_create.ts";
import { MessagePlan } from "./_plan.ts";
import { ProtobufReader } from "./_reader.ts";
import { writeMessage } from "./_writer.ts";

/** Makes a function that appends a message. */
export function encoder<Desc extends DescMessage>(
  schema: Desc,
): (message: MessageShape<Desc>, out: EncodeBuffer) => void {
  return encoderOf(schema, false, (message) => message as MessageShape<Desc>);
}

/** The same also for what the library's `create` makes a message of, without making it. */
export function initEncoder<Desc extends DescMessage>(
  schema: Desc,
): (message: MessageInitShape<Desc>, out: EncodeBuffer) => void {
  return encoderOf(schema, true, (message) => create(schema, message as MessageInitShape<Desc>));
}

function encoderOf<Desc extends DescMessage>(
  schema: Desc,
  inits: boolean,
  made: (message: object) => MessageShape<Desc>,
): (message: object, out: EncodeBuffer) => void {
  // The library can be configured to avoid bigints; then it handles everything.
  if (!protoInt64.supported) return (message, out) => out.lend(byLibrary(schema, made(message)));
  const plan = MessagePlan.of(schema);
  return (message, out) => {
    const before = out.length;
    try {
      writeMessage(plan, message as Fields, out, inits);
    } catch (cause) {
      out.truncate(before);
      // Of bytes that are none the library may write another length than theirs, or no message.
      if (isMistake(cause)) throw cause;
      out.lend(byLibrary(schema, made(message)));
    }
  };
}

function byLibrary<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>) {
  try {
    return toBinary(schema, message);
  } catch (cause) {
    // Of what is no message, it only names a field.
    const { typeName } = schema;
    if (isObject(message) && message.$typeName === typeName) throw cause;
    const what = `A message must be a ${typeName} that create() has made`;
    throw wrong(`${what}, not ${shown(message)}`, cause);
  }
}

/** Makes a function that decodes a message of at most so many objects. */
export function decoder<Desc extends DescMessage>(
  schema: Desc,
  maxObjects: number,
): (bytes: Uint8Array, start: number, end: number) => MessageShape<Desc> {
  const parse = (bytes: Uint8Array) => {
    // An object takes two bytes at least, so small messages need not be counted.
    if (bytes.length > 2 * maxObjects && countObjects(schema, bytes, maxObjects) > maxObjects) {
      throw new TooManyObjects(maxObjects);
    }
    return fromBinary(schema, bytes);
  };
  if (!protoInt64.supported) {
    return (bytes, start, end) => parse(bytes.subarray(start, end));
  }
  const plan = MessagePlan.of(schema);
  const reader = new ProtobufReader(maxObjects);
  return (bytes, start, end) => {
    try {
      return reader.read(plan, bytes, start, end) as MessageShape<Desc>;
    } catch (cause) {
      if (cause instanceof TooManyObjects) throw cause;
      return parse(bytes.subarray(start, end));
    }
  };
}
