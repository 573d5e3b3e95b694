// What services need of a client besides its public names.
import type { Reading } from "./client/_call.ts";
import { RpcClient, type StreamingCallOptions, unaryRead } from "./client/client.ts";

export { rejected } from "./_awaited.ts";
export type { Reading } from "./client/_call.ts";

/** What makes calls with one response: a client, or what stands in for one. */
export interface UnaryCaller<in Request, out Response> {
  /** Makes a call. */
  unary(request: Request, options?: StreamingCallOptions<Request>): Promise<Response>;
}

/**
 * Makes a call and reads its response: by one promise if it goes straight through a client, by two
 * if what makes it is anything else, such as a class that extends it, or a test's.
 */
export function readUnary<Request, Response, Result>(
  caller: UnaryCaller<Request, Response>,
  request: Request,
  options: StreamingCallOptions<Request> | undefined,
  reading: Reading<Response, Result>,
): Promise<Result> {
  return caller.unary === RpcClient.prototype.unary
    ? unaryRead(caller as RpcClient<Request, Response>, request, options, reading)
    : caller.unary(request, options).then(
      (response) => reading.read(response),
      (error) => reading.failed(error),
    );
}
