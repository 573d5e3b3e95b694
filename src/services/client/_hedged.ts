import { RpcError } from "../../rpc/mod.ts";
import { onAbort } from "../../waits/on_abort.ts";

/**
 * Makes a call, and the same once more if there is no answer after so many milliseconds. The first
 * answer counts; a failure counts if the other call has failed too, or was never made. When the
 * time of one is up, so is that of the whole.
 */
export function hedged<T>(
  call: (signal: AbortSignal) => Promise<T>,
  after: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const attempts: AbortController[] = [];
    let left = 0;
    const settle = () => {
      clearTimeout(timer);
      release?.();
      for (const attempt of attempts) attempt.abort();
    };
    const begin = () => {
      const attempt = new AbortController();
      attempts.push(attempt);
      left++;
      call(attempt.signal).then((answer) => {
        settle();
        resolve(answer);
      }, (error) => {
        const isLate = error instanceof RpcError && error.code === "deadline-exceeded";
        if (--left > 0 && !isLate) return;
        settle();
        reject(error);
      });
    };
    const timer = setTimeout(begin, after);
    const release = signal && onAbort(signal, () => {
      settle();
      reject(signal.reason);
    });
    begin();
  });
}
