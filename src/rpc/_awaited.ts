import { RpcError } from "./errors.ts";

/**
 * Rejects with the error, after adding the stack of whoever awaits the promise that this
 * one resolves. Calls fail from a timer or a socket, whose own stack does not show which
 * call it was. Capturing a stack for each call would slow all of them; this costs only
 * those that fail. Errors that are not ours keep the stack that they have.
 */
export async function rejected(
  error: unknown,
  isOurs: boolean = error instanceof RpcError,
): Promise<never> {
  if (isOurs) {
    // After two microtasks the outer promise is chained to this one, so that the engine
    // can trace whoever awaits it.
    await undefined;
    await undefined;
    restack(error as Error);
  }
  throw error;
}

/** Gives an error the stack of here, and of who awaits this, where engines can. */
export function restack(error: Error): void {
  (Error as { captureStackTrace?: (error: Error, from: unknown) => void })
    .captureStackTrace?.(error, restack);
}
