// Counts the objects of a message for the library, which decodes without a limit.
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** The library's nesting limit. */
const MAX_DEPTH = 100;

/** What the values of known fields have within them; nothing if they are not objects. */
type Fields = Map<number, Fields | undefined>;

/** Shared by all codecs. */
const FIELDS = new WeakMap<DescMessage, Fields>();

/**
 * Counts messages, entries of maps, views of bytes and unknown fields, up to a little more than
 * `most`. Stops at bytes that are not a message, which the library refuses.
 */
export function countObjects(desc: DescMessage, bytes: Uint8Array, most: number): number {
  const input = new BinaryReader(bytes);
  let objects = 0;
  const count = (fields: Fields | undefined, end: number, depth: number) => {
    objects++;
    while (input.pos < end && objects <= most && depth <= MAX_DEPTH) {
      const [number, type] = input.tag();
      if (type === WireType.EndGroup) return;
      const within = fields?.get(number);
      if (type === WireType.StartGroup) {
        count(within, end, depth + 1);
      } else if (type === WireType.LengthDelimited && within !== undefined) {
        const length = input.uint32();
        count(within, input.pos + length, depth + 1);
      } else {
        if (fields?.has(number) !== true) objects++;
        input.skip(type, number);
      }
    }
  };
  try {
    count(fieldsOf(desc), bytes.length, 1);
  } catch {
    // The library says what is wrong.
  }
  return objects;
}

function fieldsOf(desc: DescMessage): Fields {
  let fields = FIELDS.get(desc);
  if (fields !== undefined) return fields;
  fields = new Map();
  // Before its fields, some of which may be of this type.
  FIELDS.set(desc, fields);
  for (const field of desc.fields) {
    const isMap = field.fieldKind === "map";
    if (!isMap && isBytes(field)) continue;
    const within = field.message && fieldsOf(field.message);
    if (!isMap) fields.set(field.number, within);
    else {fields.set(
        field.number,
        new Map(isBytes(field) ? [[1, undefined]] : [[1, undefined], [2, within]]),
      );}
  }
  return fields;
}

/** Byte fields are not known here, so that they count as unknown fields do. */
function isBytes(field: DescField): boolean {
  return field.scalar === ScalarType.BYTES;
}
