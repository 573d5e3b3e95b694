// What services need of a client besides its public names. It does not import the client, which
// who calls services by something else has no need of.
export { rejected, restack } from "./_awaited.ts";

/** Makes of a response what its call resolves with, at once: one promise is enough then. */
export interface Reading<in Response, out Result> {
  /** Reads a response. What it throws, or its promise rejects with, is what the call rejects with. */
  read(response: Response): Result | Promise<never>;
  /** Throws what the call rejects with if it fails with that error. */
  failed(error: unknown): never;
}

/** What makes calls with one response: a client, or what stands in for one. */
export interface UnaryCaller<in Request, out Response, in Options> {
  /** Makes a call. */
  unary(request: Request, options?: Options): Promise<Response>;
}

/** Makes a call and reads its response. */
export type ReadUnary = <Request, Response, Options, Result>(
  caller: UnaryCaller<Request, Response, Options>,
  request: Request,
  options: Options | undefined,
  reading: Reading<Response, Result>,
) => Promise<Result>;

/** The client's own method, and what does the same and reads the response as it arrives. */
let own: unknown;
let readByOwn: ReadUnary;

/** The client says once, by its class, how it reads. */
export function readsBy(unary: unknown, read: ReadUnary): void {
  own = unary;
  readByOwn = read;
}

/**
 * Makes a call and reads its response: by one promise if it goes straight through a client, by two
 * if what makes it is anything else, such as a class that extends it, or a test's.
 */
export const readUnary: ReadUnary = (caller, request, options, reading) =>
  caller.unary === own
    ? readByOwn(caller, request, options, reading)
    : caller.unary(request, options).then(
      (response) => reading.read(response),
      (error) => reading.failed(error),
    );
