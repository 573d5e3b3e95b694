// The interface of Standard Schema (standardschema.dev), version 1, as far as it is used here:
// zod, valibot, arktype and others implement it.

/** A validator of that interface, which makes an `Output` of an `Input`. */
export interface StandardSchema<in out Input = unknown, out Output = Input> {
  /** What the interface puts here. */
  readonly "~standard": {
    /** The version of the interface. */
    readonly version: 1;
    /** Who made the validator. */
    readonly vendor: string;
    /** Validates a value. */
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    /** Exists in types only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a validator says of a value. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** Something that is wrong with a value. */
export interface StandardIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Says in a line what is wrong with a value. */
export function issuesOf(issues: readonly StandardIssue[]): string {
  return issues.slice(0, 5).map(({ message, path }) => {
    const place = path?.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
    return place ? `${place}: ${message}` : message;
  }).join("; ");
}
