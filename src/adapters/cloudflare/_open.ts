import type { SocketAddress } from "../../duplex/duplex.ts";
import { TransportError } from "../../errors.ts";
import { onAbort } from "../../waits/on_abort.ts";
import type { CloudflareSocket } from "./_socket.ts";
import { toTransportError } from "../base/_errors.ts";
import { connectAborted } from "../base/_options.ts";

interface Target {
  readonly hostname: string;
  readonly port: number;
}

/** Waits until a socket is connected; closes it on a timeout or an abort. */
export async function opened(
  socket: CloudflareSocket,
  target: Target,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<{ remoteAddress: SocketAddress | undefined }> {
  // It rejects with the same error as `opened`, a read or a write.
  socket.closed.catch(() => {});
  let timer: ReturnType<typeof setTimeout> | undefined;
  let endWait: (() => void) | undefined;
  const givenUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const { hostname, port } = target;
      const message = `Cannot connect to ${hostname}:${port}: not done within ${timeout} ms`;
      reject(new TransportError("timed-out", message));
    }, timeout);
    endWait = signal && onAbort(signal, () => reject(connectAborted(signal)));
  });
  try {
    const { remoteAddress } = await Promise.race([socket.opened, givenUp]);
    return { remoteAddress: toAddress(remoteAddress) };
  } catch (error) {
    socket.close().catch(() => {});
    throw connectFailed(target, error);
  } finally {
    clearTimeout(timer);
    endWait?.();
  }
}

/** Converts the runtime's error to a TransportError. The runtime has no error codes. */
export function connectFailed({ hostname, port }: Target, error: unknown): TransportError {
  // A TypeError means an invalid host name, since the port has been checked.
  const code = error instanceof TypeError ? "not-found" : "unreachable";
  return toTransportError(`Cannot connect to ${hostname}:${port}`, error, code);
}

/** Parses `127.0.0.1:9000` or `[::1]:9000`, if the runtime reports the address. */
function toAddress(text: string | undefined): SocketAddress | undefined {
  const match = /^\[?([\d.]+|[\da-f:.]+)\]?:(\d+)$/i.exec(text ?? "");
  return match ? { transport: "tcp", hostname: match[1]!, port: Number(match[2]) } : undefined;
}
