import { RpcError } from "./errors.ts";

/**
 * Rejects with the error, once it has the stack of the function that awaits the promise
 * which this one resolves. What ended the call is a timer or a socket, whose own stack
 * tells nobody which call it was; to keep the stack of each call would cost all of them,
 * this costs those that fail.
 */
export async function rejected(error: unknown): Promise<never> {
  if (error instanceof RpcError) {
    // Two turns of the microtasks later the outer promise has tied itself to this one:
    // the engine then finds its way to whoever awaits it.
    await undefined;
    await undefined;
    (Error as { captureStackTrace?: (error: Error) => void }).captureStackTrace?.(error);
  }
  throw error;
}
