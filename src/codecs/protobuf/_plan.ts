// What encoding and decoding need to know of a message type, computed once.
//
// Field types are the numbers of FieldDescriptorProto.Type in descriptor.proto, which
// ScalarType of @bufbuild/protobuf shares.
import { create, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { creator, type Fields } from "./_create.ts";

export const GROUP = 10;
export const MESSAGE = 11;
export const ENUM = 14;

/** One field of a message type. */
export class FieldPlan {
  readonly name: string = "";
  readonly number: number = 0;
  /** How values are stored in the message, and on the wire. */
  readonly shape: "single" | "list" | "packed" | "map" = "single";
  /** The type of the values; for a map, that of its entries, {@linkcode MESSAGE}. */
  readonly type: number = 0;
  /** The tag before a value. */
  readonly tag: number = 0;
  /** The name of the oneof that it belongs to. */
  readonly oneof: string | undefined = undefined;
  /** Implicit presence: it is set if its value is not `zero`; otherwise, if it is there. */
  readonly implicit: boolean = false;
  /** Its default value. */
  readonly zero: unknown = undefined;
  readonly required: boolean = false;
  /** Whether messages inherit a value from their prototype while it is not set. */
  readonly inherited: boolean = false;
  /** Whether its 64-bit numbers are decimal strings. */
  readonly longAsString: boolean = false;
  /** The numbers of a closed enum. */
  readonly closed: Readonly<Record<number, unknown>> | undefined = undefined;
  /** The type of its messages. */
  readonly message: MessagePlan | undefined = undefined;
  /** The single field of a wrapper type, if the message has its value directly. */
  readonly wrapped: FieldPlan | undefined = undefined;
  /** Whether the library handles it: google.protobuf.Struct, which is JSON in a message. */
  readonly foreign: boolean = false;
  /** Whether it has one value, and is in no oneof. */
  readonly plain: boolean = false;
  /** The keys and the values of a map, as fields of its entries. */
  readonly key: FieldPlan | undefined = undefined;
  readonly value: FieldPlan | undefined = undefined;

  // One class with all properties: engines are fastest if all objects have one shape.
  constructor(plan: Partial<FieldPlan>) {
    Object.assign(this, plan);
    this.plain = this.shape === "single" && this.oneof === undefined;
  }
}

/** A property of a message: a field, or a oneof with its cases. */
export interface Property {
  readonly name: string;
  readonly field: FieldPlan | undefined;
  readonly cases: Map<unknown, FieldPlan> | undefined;
}

/** A message type. */
export class MessagePlan {
  readonly desc: DescMessage;
  readonly typeName: string;
  /** Does the same as the library's `create` with this type. */
  readonly create: () => Fields;
  /** In the order of field numbers, as on the wire. */
  readonly properties: Property[] = [];
  /** The fields by the tags that may precede them. */
  readonly #byTag = new Map<number, FieldPlan>();
  /** The same for tags of one byte. */
  readonly #byShortTag = new Array<FieldPlan | undefined>(128).fill(undefined);
  readonly #numbers = new Set<number>();

  private constructor(desc: DescMessage) {
    this.desc = desc;
    this.typeName = desc.typeName;
    const template: Fields = create(desc);
    this.create = creator(template, desc.members.every(({ localName }) => localName in template));
    // Before making its fields, since some may be of this type.
    PLANS.set(desc, this);
    for (const field of desc.fields.toSorted((a, b) => a.number - b.number)) {
      this.#add(planField(field, template));
    }
  }

  /** The plan of a message type, made on first use. */
  static of(desc: DescMessage): MessagePlan {
    return PLANS.get(desc) ?? new MessagePlan(desc);
  }

  /** The field of a tag. */
  field(tag: number): FieldPlan | undefined {
    return tag < 128 ? this.#byShortTag[tag] : this.#byTag.get(tag);
  }

  /** Whether there is a field of that number, whatever its tag. */
  has(number: number): boolean {
    return this.#numbers.has(number);
  }

  #add(field: FieldPlan): void {
    this.#numbers.add(field.number);
    const wire = wireType(field.type);
    const tags = [field.tag];
    // Repeated numbers may arrive packed or one by one.
    if (field.shape === "packed") tags.push(field.number * 8 + wire);
    if (field.shape === "list" && wire !== 2 && wire !== 3) tags.push(field.number * 8 + 2);
    for (const tag of tags) {
      this.#byTag.set(tag, field);
      if (tag < 128) this.#byShortTag[tag] = field;
    }

    const { name, oneof } = field;
    const last = this.properties.at(-1);
    if (oneof === undefined) {
      this.properties.push({ name, field, cases: undefined });
    } else if (last?.cases !== undefined && last.name === oneof) {
      last.cases.set(name, field);
    } else {
      this.properties.push({ name: oneof, field: undefined, cases: new Map([[name, field]]) });
    }
  }
}

/** Shared by all codecs. */
const PLANS = new WeakMap<DescMessage, MessagePlan>();

/** google.protobuf.FeatureSet.FieldPresence. */
const IMPLICIT = 2;
const LEGACY_REQUIRED = 3;

function planField(field: DescField, template: Fields): FieldPlan {
  const { number, localName: name } = field;
  const implicit = field.presence === IMPLICIT;
  const message = field.message && MessagePlan.of(field.message);
  const type = field.scalar ?? (message ? MESSAGE : ENUM);
  const plan = {
    name,
    number,
    implicit,
    message,
    ...typed(number, "delimitedEncoding" in field && field.delimitedEncoding ? GROUP : type),
    oneof: field.oneof?.localName,
    required: field.presence === LEGACY_REQUIRED,
    inherited: !implicit && name in template,
    longAsString: "longAsString" in field && field.longAsString,
    zero: field.enum ? field.enum.values[0]!.number : template[name],
    foreign: message?.typeName === "google.protobuf.Struct" &&
      field.parent.typeName !== "google.protobuf.Value",
  };
  switch (field.fieldKind) {
    case "list":
      if (!field.packed) return new FieldPlan({ ...plan, shape: "list" });
      return new FieldPlan({ ...plan, shape: "packed", tag: number * 8 + 2 });
    case "map": {
      const key = new FieldPlan({ ...typed(1, field.mapKey), zero: zeroOf(field.mapKey) });
      const zero = field.enum ? plan.zero : zeroOf(type);
      const value = new FieldPlan({ ...typed(2, type), message, zero });
      return new FieldPlan({ ...plan, ...typed(number, MESSAGE), shape: "map", key, value });
    }
    case "message": {
      const inner = field.oneof ? undefined : wrapped(message!);
      const foreign = plan.foreign || inner !== undefined && plan.type === GROUP;
      return new FieldPlan({ ...plan, wrapped: inner, foreign });
    }
    case "enum":
      return new FieldPlan({ ...plan, closed: field.enum.open ? undefined : field.enum.value });
    default:
      return new FieldPlan(plan);
  }
}

function typed(number: number, type: number): { type: number; tag: number } {
  return { type, tag: number * 8 + wireType(type) };
}

/** The wire type of a field type. */
function wireType(type: number): number {
  switch (type) {
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return 1;
    case ScalarType.STRING:
    case ScalarType.BYTES:
    case MESSAGE:
      return 2;
    case GROUP:
      return 3;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return 5;
    default:
      return 0;
  }
}

/** The default of a key or a value that a map entry leaves out. */
function zeroOf(type: number): unknown {
  switch (type) {
    case ScalarType.STRING:
      return "";
    case ScalarType.BOOL:
      return false;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return 0n;
    case ScalarType.BYTES: // one of its own for each
      return undefined;
    default:
      return 0;
  }
}

const WRAPPER = /^google\.protobuf\.(Double|Float|U?Int(32|64)|Bool|String|Bytes)Value$/;

function wrapped({ typeName, desc, properties }: MessagePlan): FieldPlan | undefined {
  const first = desc.fields[0];
  const wraps = WRAPPER.test(typeName) && first?.fieldKind === "scalar" &&
    first.name === "value" && first.number === 1;
  return wraps ? properties[0]!.field : undefined;
}
