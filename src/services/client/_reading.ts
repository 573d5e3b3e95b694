import { rejected, restack } from "../../rpc/reading.ts";
import { isTooMuch, serviceError, statusError, unreadable } from "../_errors.ts";
import { payloadOf, type ServiceResponse, type WireMethod } from "../envelope/messages.ts";
import { ServiceError } from "../status.ts";

/** What is needed of a method to read its responses. */
export type ReadMethod = Pick<WireMethod, "path" | "response">;

/** Reads the one response of a call. Throws what the call has failed with. */
export function readResponse(method: ReadMethod, response: ServiceResponse): unknown {
  if (isTooMuch(response)) throw tooMuchMetadata();
  if (response.status !== undefined && response.status.code !== 0) throw statusError(response);
  try {
    return payloadOf(method.response, response);
  } catch (cause) {
    throw unreadable(`The response of ${method.path}`, cause, "internal");
  }
}

/** The error of an answer with more metadata than it may have. */
export function tooMuchMetadata(): ServiceError {
  return new ServiceError("resource-exhausted", "The answer has too much metadata");
}

/** The same in the turn in which it arrives, when no stack shows whose call has failed. */
export function readAtOnce(method: ReadMethod, response: ServiceResponse): unknown {
  try {
    return readResponse(method, response);
  } catch (error) {
    return rejected(error, error instanceof ServiceError);
  }
}

/** Throws what a call fails with, as its connection has failed it with this. */
export function failed(error: unknown): never {
  const ours = serviceError(error);
  // Made as it arrived, when no stack showed whose call it was.
  if (ours instanceof ServiceError && ours === (error as Error).cause) restack(ours);
  throw ours;
}
