/**
 * The two streams of a `TransformStream` that come into being when somebody first asks for one
 * of them: what it transforms with can also be called directly, and an idle connection that
 * does so should not pay for streams.
 */
export class LazyStreams<Input, Output> {
  readonly #open: () => TransformStream<Input, Output>;
  #streams: TransformStream<Input, Output> | undefined;

  constructor(open: () => TransformStream<Input, Output>) {
    this.#open = open;
  }

  get opened(): TransformStream<Input, Output> {
    return this.#streams ??= this.#open();
  }
}

/**
 * Makes the instances of a class `TransformStream`s by their prototype: `instanceof` takes
 * them for what they are, and `pipeThrough` asks for no more than their two streams. Extending
 * the native class would make its streams with each instance.
 */
export function isTransformStream({ prototype }: { readonly prototype: object }): void {
  Object.setPrototypeOf(prototype, TransformStream.prototype);
}
