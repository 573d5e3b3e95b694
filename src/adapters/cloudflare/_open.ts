import type { SocketAddress } from "../../duplex/duplex.ts";
import { TransportError } from "../../errors.ts";
import { limited } from "../../waits/bounded.ts";
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
  try {
    const { remoteAddress } = await limited(socket.opened, {
      signals: [signal],
      aborted: connectAborted,
      timeout,
      timedOut() {
        const { hostname, port } = target;
        const message = `Cannot connect to ${hostname}:${port}: not done within ${timeout} ms`;
        return new TransportError("timed-out", message);
      },
    });
    return { remoteAddress: toAddress(remoteAddress) };
  } catch (error) {
    socket.close().catch(() => {});
    throw connectFailed(target, error);
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
