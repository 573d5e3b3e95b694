/** Makes the two streams of a {@linkcode LazyTransformStream}. */
type Open<Input, Output> = () => TransformStream<Input, Output>;

// `super()` would make two streams, which an idle connection that never uses them should not
// pay for. So the class below extends this, whose instances are TransformStreams by their
// prototype and nothing else.
const Bare: new <Input, Output>() => TransformStream<Input, Output> = function () {} as never;
Bare.prototype = Object.create(globalThis.TransformStream.prototype);

/**
 * A `TransformStream` whose streams come into being when somebody first asks for one of them:
 * what it transforms with can also be called directly. `pipeThrough` and `instanceof` take it
 * for what it is.
 */
export class LazyTransformStream<Input, Output> extends Bare<Input, Output> {
  readonly #open: Open<Input, Output>;
  #streams: TransformStream<Input, Output> | undefined;

  constructor(open: Open<Input, Output>) {
    super();
    this.#open = open;
  }

  /** What comes out. */
  override get readable(): ReadableStream<Output> {
    return (this.#streams ??= this.#open()).readable;
  }

  /** What goes in. */
  override get writable(): WritableStream<Input> {
    return (this.#streams ??= this.#open()).writable;
  }
}
