/** A message, or another object, as a record of its properties. */
export type Fields = Record<string, unknown>;

type Create = () => Fields;

/**
 * Engines copy objects fastest at a call site that only ever sees one shape, so each of the
 * first types gets a call site of its own.
 */
const PLACES: ((template: Fields) => Create)[] = [
  (template) => () => ({ ...template }),
  (template) => () => ({ ...template }),
  (template) => () => ({ ...template }),
  (template) => () => ({ ...template }),
  (template) => () => ({ ...template }),
  (template) => () => ({ ...template }),
  (template) => () => ({ ...template }),
  (template) => () => ({ ...template }),
];

/**
 * Makes a function that makes messages like `template`, with the same properties.
 * `complete` means that no message of the type has further properties.
 */
export function creator(template: Fields, complete: boolean): Create {
  const prototype = Object.getPrototypeOf(template);
  const plain = prototype === Object.prototype;
  const copied: Fields = plain ? {} : Object.create(prototype);
  const names = Object.keys(template);
  const values = names.map((name) => template[name]);
  names.forEach((name, i) => copied[name] = values[i]);
  // What messages must not share is made for each.
  const own = names.filter((name) => fresh(template[name]) !== template[name]);

  // On Node 20, adding a property to a copy costs more than copying saves.
  const copy = plain && complete ? PLACES.pop()?.(copied) : undefined;
  const make = copy ?? (() => {
    const message: Fields = plain ? {} : Object.create(prototype);
    for (let i = 0; i < names.length; i++) message[names[i]!] = values[i];
    return message;
  });
  if (own.length === 0) return make;
  return () => {
    const message = make();
    for (let i = 0; i < own.length; i++) message[own[i]!] = fresh(template[own[i]!]);
    return message;
  };
}

/** Copies lists, maps and oneofs, which messages must not share. */
function fresh(value: unknown): unknown {
  if (Array.isArray(value)) return [];
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return "case" in value ? { case: undefined } : {};
}
